//! The binary: parses the command line and calls the library.

use mimalloc::MiMalloc;

/// A process that holds a million tenants pays more for every small thing that a request makes and drops with the system's
/// allocator: `./dev/bench scale` shows it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    latchkey::cli::main()
}
