//! Writes `schemas/`: the public contract, from the code that keeps it.
//!
//! `cargo run --example contract`, after anything in a schema or in the property catalogue has changed.

mod contract;

fn main() -> std::io::Result<()> {
    let root = contract::folder();
    for file in contract::files() {
        let path = root.join(&file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, file.text)?;
        println!("{}", path.display());
    }
    Ok(())
}
