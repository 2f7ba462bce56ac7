//! The table of planted bugs in docs/simulation.md, held against what a hunt for them has found.

use std::collections::BTreeMap;

pub const TABLE: &str = "docs/simulation.md";

/// A bug of a simulator, and the first seed that shows it.
type Seeds = BTreeMap<(String, String), u64>;

/// What the table says otherwise than the lines of the hunts of these simulators; nothing where it is current.
pub fn differences(table: &str, simulators: &[&str], lines: &[String]) -> Vec<String> {
    let (written, found) = (in_table(table), in_lines(lines));
    let changed = found.iter().filter_map(|(key @ (simulator, bug), seed)| match written.get(key) {
        Some(old) if old == seed => None,
        Some(old) => Some(format!("{bug} of {simulator}: the first seed is {seed}, not {old}")),
        None => Some(format!("{bug} of {simulator}: it has no row; the first seed is {seed}")),
    });
    let gone = written.keys().filter(|key| simulators.contains(&key.0.as_str()) && !found.contains_key(key));
    changed.chain(gone.map(|(simulator, bug)| format!("{bug} of {simulator}: there is no such bug any more"))).collect()
}

/// Rows ``| `Bug` | simulator | seed | … |``.
fn in_table(table: &str) -> Seeds {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let (bug, simulator, seed) = (cells.next()?.strip_suffix('`')?, cells.next()?, cells.next()?);
        Some(((simulator.to_owned(), bug.to_owned()), seed.parse().ok()?))
    };
    table.lines().filter_map(row).collect()
}

/// Lines `simulator bug seed what was found`.
fn in_lines(lines: &[String]) -> Seeds {
    let row = |line: &String| {
        let mut words = line.split_whitespace();
        let (simulator, bug, seed) = (words.next()?, words.next()?, words.next()?);
        Some(((simulator.to_owned(), bug.to_owned()), seed.parse().ok()?))
    };
    lines.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "| bug | simulator | first seed | shown by |\n|---|---|---|---|\n\
        | `Same` | calls | 1 | a sum |\n| `Moved` | calls | 2 | a sum |\n| `Gone` | calls | 0 | a sum |\n\
        | `Other` | ledger | 0 | an answer |\n";

    #[test]
    fn a_seed_that_moved_a_row_too_few_and_a_row_too_many_are_named() {
        let lines = ["calls  Same  1  a sum", "calls  Moved  11  words", "calls  New  3  words"].map(String::from);
        let found = differences(DOCUMENT, &["calls"], &lines);
        assert_eq!(found.len(), 3, "{found:?}");
        for words in ["Moved of calls: the first seed is 11, not 2", "New of calls: it has no row", "Gone of calls"] {
            assert!(found.iter().any(|difference| difference.contains(words)), "{words} in {found:?}");
        }
    }

    #[test]
    fn the_document_has_a_table_that_can_be_read() {
        assert!(in_table(include_str!("../../docs/simulation.md")).len() > 20);
    }
}
