//! The `walcast` command. Everything is in the library.

fn main() -> std::process::ExitCode {
    walcast::cli::main()
}
