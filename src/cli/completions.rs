//! `latchkey completions`

use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell: bash, elvish, fish, powershell or zsh.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut command: Command) {
        // A pipe that the reader closes early, as `head` does, is not an error.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "latchkey", &mut script);
        let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), &script);
    }
}
