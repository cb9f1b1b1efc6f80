//! Writes the documents and files that Latchkey issues, in every partition and mode, for the linters in
//! `dev/stack/checks/templates.py`: `cargo run --example write_templates -- FOLDER`

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use latchkey::domain::templates::format::TemplateFormat;
use latchkey::domain::templates::json;
use latchkey::domain::templates::samples::{PARTIES, every};
use strum::IntoEnumIterator;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: write_templates FOLDER")?);
    fs::create_dir_all(&folder)?;
    for (name, params) in every() {
        let documents = serde_json::to_string_pretty(&json::documents(&params))?;
        fs::write(folder.join(format!("{name}.json")), documents)?;
        for file in TemplateFormat::iter().filter_map(|format| format.file(&params, PARTIES).expect("there is one account")) {
            fs::write(folder.join(format!("{name}.{}", file.extension)), file.text)?;
        }
    }
    Ok(())
}
