//! The `latchkey` binary.

use mimalloc::MiMalloc;

/// With the system's allocator, small allocations get slower as the process holds more tenants. See `./dev/bench scale`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    latchkey::cli::main()
}
