//! The `walcast` command. Everything is in the library.

/// Most blocks are made by one thread and freed by another, inside the Kafka client, which this replaces too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    walcast::cli::main()
}
