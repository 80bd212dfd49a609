//! All phases, for a person or for a program.

use super::Phase;
use anyhow::Result;

pub fn table(phases: &[Phase]) -> String {
    let mut lines = vec![
        "| killed | clients | kills | acknowledged | not made | in doubt | longest pause | violations |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for phase in phases {
        let Phase {
            killed,
            clients,
            kills,
            verdict,
        } = phase;
        lines.push(format!(
            "| {killed} | {clients} | {kills} | {} | {} | {} | {:.1} s | {} |",
            verdict.made,
            verdict.not_made,
            verdict.in_doubt,
            verdict.longest_pause as f64 / 1_000.0,
            verdict.violations.len(),
        ));
    }
    lines.join("\n") + "\n"
}

pub fn json(phases: &[Phase]) -> Result<String> {
    Ok(serde_json::to_string_pretty(phases)? + "\n")
}
