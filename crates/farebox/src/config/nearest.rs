//! The known name that a mistyped one is nearest to.

/// The shortest name that goes on where the mistyped one ends, else the one with the fewest letters to change; the first
/// of several, empty where there is none to choose from.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> &'a str {
    let rank = |name: &&str| if name.starts_with(wrong) { (0, name.len()) } else { (1, distance(wrong, name)) };
    known.into_iter().min_by_key(rank).unwrap_or_default()
}

/// How many letters must be added, dropped or replaced to make one name of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters_to_change() {
        for (from, to, expected) in [("", "", 0), ("abc", "abc", 0), ("listn", "listen", 1), ("kitten", "sitting", 3)] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
        assert_eq!(nearest("server.listn", ["server.public_url", "server.listen"]), "server.listen");
        let names = ["database_url", "database_prepared_statements", "database_prepared_statements_max"];
        assert_eq!(nearest("database_prepared", names), "database_prepared_statements");
    }
}
