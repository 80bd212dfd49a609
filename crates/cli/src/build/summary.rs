//! What was built, with what: for a person one line, for a program JSON. On
//! standard output.

use super::args::Language;
use crate::size::written;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

/// A component that was published.
pub struct Published {
    pub path: PathBuf,
    pub bytes: u64,
    /// Whether it is another one than before.
    pub changed: bool,
}

/// A build that succeeded.
pub struct Summary {
    pub language: Language,
    /// More about the kind: the API of an ability in Python, the engine of one
    /// in JavaScript.
    pub kind: Option<(&'static str, String)>,
    pub component: Published,
    pub background: Option<Published>,
    /// Versions, by the names of tools.
    pub tools: BTreeMap<String, String>,
    pub took: Duration,
}

impl Summary {
    pub fn print(&self, as_json: bool) -> Result<()> {
        let text = match as_json {
            true => self.json().to_string(),
            false => self.text(),
        };
        writeln!(stdout(), "{text}").context("standard output could not be written")
    }

    fn json(&self) -> Value {
        let mut summary = json!({
            "kind": self.language.option(),
            "path": self.component.path,
            "bytes": self.component.bytes,
            "changed": self.component.changed,
            "tools": self.tools,
            "seconds": (self.took.as_secs_f64() * 1e3).round() / 1e3,
        });
        if let Some((name, value)) = &self.kind {
            summary[name] = json!(value);
        }
        if let Some(background) = &self.background {
            summary["background"] = json!({
                "path": background.path,
                "bytes": background.bytes,
                "changed": background.changed,
            });
        }
        summary
    }

    fn text(&self) -> String {
        let tools: Vec<_> = self
            .tools
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        let built = [Some(&self.component), self.background.as_ref()];
        let mut lines: Vec<_> = built.into_iter().flatten().map(line).collect();
        lines.push(format!(
            "{} with {} in {:.1} s",
            self.language.name(),
            tools.join(", "),
            self.took.as_secs_f64()
        ));
        lines.join("\n")
    }
}

fn line(component: &Published) -> String {
    let unchanged = match component.changed {
        true => "",
        false => ", the same as before",
    };
    format!(
        "{}: {}{unchanged}",
        component.path.display(),
        written(component.bytes)
    )
}
