//! The `latchkey` binary.

use mimalloc::MiMalloc;

/// The system's allocator slows down as the process holds more tenants. See `./dev/bench scale`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    latchkey::cli::main()
}
