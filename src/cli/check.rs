//! `erp-bridge check`

use super::{ConfigFile, Outcome};
use crate::{
    app::{self, CheckRow},
    telemetry::printable::one_line,
};

/// Prints a table of what holds and what does not.
pub(super) async fn run(file: &ConfigFile) -> Outcome {
    let config = file.place().load()?;
    let rows = app::check(&config).await;
    print!("{}", table(&rows));
    Ok(rows.iter().all(|row| row.ok))
}

fn table(rows: &[CheckRow]) -> String {
    let width = |text: &str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let widest = rows.iter().map(|row| width(&row.what)).max().unwrap_or_default();
    rows.iter()
        .map(|row| {
            let mark = if row.ok { "✓" } else { "✗" };
            let gap = " ".repeat(widest - width(&row.what));
            format!("{mark} {}{gap}  {}\n", row.what, one_line(&row.detail))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up_chinese_and_latin() {
        let row = |what: &str, ok| CheckRow { what: what.into(), ok, detail: "x".into() };
        assert_eq!(table(&[row("账本", true), row("ERP login", false)]), "✓ 账本       x\n✗ ERP login  x\n");
    }
}
