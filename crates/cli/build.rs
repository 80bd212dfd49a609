//! Lists the files that the command carries: SDKs, build tools and templates.
//!
//! Must never take in what a tool left behind in these folders, nor miss a
//! change: cargo looks at the folders themselves, so that a new file counts too.

use std::fmt::Write;
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

/// Beside this file. `sdk` holds links to where the SDKs are developed.
const ROOTS: [&str; 3] = ["sdk", "templates", "tools"];

/// What tools and tests leave behind, and tests themselves.
const LEFT_OUT: [&str; 8] = [
    "__pycache__",
    "behaviour",
    "dist",
    "node_modules",
    "target",
    "test",
    "tests",
    "typings",
];

fn main() -> Result<()> {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    // For which machines compiled components are.
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=ABILITY_TARGET={target}");
    let mut files = Vec::new();
    for root in ROOTS {
        println!("cargo::rerun-if-changed={root}");
        walk(&here.join(root), root, &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for (name, path) in files {
        let _ = writeln!(list, "    ({name:?}, include_bytes!({path:?})),");
    }
    list.push_str("]\n");
    fs::write(out.join("embedded.rs"), list)
}

fn walk(directory: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let left_out = LEFT_OUT.contains(&&*file_name) && !name.starts_with("templates");
        // What the SDKs are developed with.
        let left_out = left_out || (name.starts_with("sdk/") && file_name == "tools");
        let hidden = file_name.starts_with('.');
        let kept = !name.starts_with("sdk") && [".npmrc", ".gitignore"].contains(&&*file_name);
        if left_out
            || (hidden && !kept)
            || file_name.ends_with(".pyc")
            || file_name == "__pycache__"
        {
            continue;
        }
        // cargo would take a Cargo.toml for a package of its own and leave the
        // folder out of this one, and git a .gitignore for its own.
        let written = match &*file_name {
            "Cargo.toml.in" => "Cargo.toml",
            "gitignore" => ".gitignore",
            other => other,
        };
        let name = format!("{name}/{written}");
        // Through links.
        if fs::metadata(&path)?.is_dir() {
            walk(&path, &name, files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}
