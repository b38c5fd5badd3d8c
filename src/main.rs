//! The binary. All code is in the library.

fn main() -> std::process::ExitCode {
    ostiary::cli::main()
}
