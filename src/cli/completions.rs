//! `latchkey completions`

use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub struct Completions {
    /// bash, elvish, fish, powershell or zsh.
    shell: Shell,
}

impl Completions {
    pub fn run(&self, mut command: Command) {
        // Whoever reads them may have had enough (`| head`): that is no fault of ours.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "latchkey", &mut script);
        let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), &script);
    }
}
