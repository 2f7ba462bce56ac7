//! Rules about manifests: which crate may depend on which, and who may use what.

use super::tree::{File, Tree};
use super::{Found, Rule};

/// A crate depends only on crates before it in this list.
const ORDER: &[&str] = &[
    "base",
    "db",
    "ledger",
    "events",
    "accounts",
    "market",
    "skills",
    "billing",
    "net",
    "x402",
    "rails",
    "upstream",
    "calls",
    "api-types",
    "api-kit",
    "console",
    "api",
    "farebox",
    "testkit",
];

/// Libraries that speak to a database, and the crates that may use them outside tests.
const DRIVER_LIBRARIES: &[&str] = &[
    "rusqlite",
    "libsqlite3-sys",
    "tokio-postgres",
    "postgres",
    "deadpool",
    "deadpool-postgres",
    "tokio-postgres-rustls",
    "sqlx",
    "diesel",
];
const DRIVER_CRATES: &[&str] = &["db", "upstream", "testkit"];

pub const LAYERS: Rule = Rule { name: "layers", summary: "a crate depends only on crates above it", check: layers };

pub const DRIVERS: Rule =
    Rule { name: "drivers", summary: "database drivers are used by db, upstream and testkit only", check: drivers };

pub const MANIFESTS: Rule =
    Rule { name: "manifests", summary: "lints and versions come from the workspace's Cargo.toml", check: manifests };

pub const CODE_MAP: Rule = Rule { name: "code-map", summary: "ARCHITECTURE.md names every crate", check: code_map };

#[derive(Debug, PartialEq, Eq)]
struct Dependency<'a> {
    name: &'a str,
    line: usize,
    for_tests: bool,
    from_workspace: bool,
}

fn layers(tree: &Tree, found: &mut Found) {
    for (name, manifest) in crates(tree) {
        let Some(place) = ORDER.iter().position(|other| *other == name) else {
            let message =
                format!("crate `{name}` has no place in the order; add it to ORDER in xtask/src/tidy/layers.rs");
            found.add(&manifest.path, 1, message);
            continue;
        };
        for dependency in dependencies(&manifest.text) {
            let Some(other) = our_crate(dependency.name) else { continue };
            // A crate may name itself there, to have its tests built with one of its features.
            if dependency.for_tests && (other == "testkit" || other == name) {
                continue;
            }
            if !ORDER[..place].contains(&other) {
                let message = format!(
                    "`{name}` may not depend on `{other}`, which is not above it; move the code down, or pass in what it needs"
                );
                found.add(&manifest.path, dependency.line, message);
            }
        }
    }
}

fn drivers(tree: &Tree, found: &mut Found) {
    for (name, manifest) in crates(tree).filter(|(name, _)| !DRIVER_CRATES.contains(name)) {
        for dependency in dependencies(&manifest.text).iter().filter(|dependency| !dependency.for_tests) {
            if DRIVER_LIBRARIES.contains(&dependency.name) {
                let message = format!(
                    "`{name}` uses the driver `{}`; our own tables go through `farebox_db`, sellers' databases through `farebox_upstream`",
                    dependency.name
                );
                found.add(&manifest.path, dependency.line, message);
            }
        }
    }
}

fn manifests(tree: &Tree, found: &mut Found) {
    for manifest in tree.with_ending("Cargo.toml").filter(|file| file.crate_name().is_some()) {
        if !manifest.text.contains("[lints]\nworkspace = true") {
            found.add(&manifest.path, 1, "the workspace's lints are off; add `[lints]` with `workspace = true`");
        }
        for dependency in dependencies(&manifest.text).iter().filter(|dependency| !dependency.from_workspace) {
            let message = format!(
                "`{}` has a version of its own; put it into [workspace.dependencies] and write `{0}.workspace = true`",
                dependency.name
            );
            found.add(&manifest.path, dependency.line, message);
        }
    }
}

fn code_map(tree: &Tree, found: &mut Found) {
    let Some(document) = tree.files.iter().find(|file| file.path == "ARCHITECTURE.md") else {
        found.add("ARCHITECTURE.md", 1, "the file is missing; it maps the crates for readers");
        return;
    };
    for (name, _) in crates(tree).filter(|(name, _)| !document.text.contains(&format!("`{name}`"))) {
        found.add(&document.path, 1, format!("the code map does not name `{name}`; say what the crate owns"));
    }
}

/// Each crate under `crates/` with its manifest.
fn crates(tree: &Tree) -> impl Iterator<Item = (&str, &File)> {
    tree.with_ending("/Cargo.toml")
        .filter_map(|file| Some((file.path.strip_prefix("crates/")?.split('/').next()?, file)))
}

/// `farebox-ledger` and `farebox` are ours; others are not.
fn our_crate(dependency: &str) -> Option<&str> {
    if dependency == "farebox" { Some(dependency) } else { dependency.strip_prefix("farebox-") }
}

fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut section = "";
    for (index, line) in manifest.lines().enumerate() {
        let text = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            section = header;
            if let Some((_, name)) = header.split_once("dependencies.") {
                found.push(Dependency {
                    name,
                    line: index + 1,
                    for_tests: is_for_tests(header),
                    from_workspace: false,
                });
            }
            continue;
        }
        if section.contains("dependencies.") {
            if let Some(last) = found.last_mut() {
                last.from_workspace |= text.starts_with("workspace");
            }
        } else if section.ends_with("dependencies")
            && let Some((left, right)) = text.split_once('=')
        {
            let name = left.trim().split('.').next().unwrap_or_default();
            let from_workspace = left.trim().ends_with(".workspace") || right.contains("workspace = true");
            found.push(Dependency { name, line: index + 1, for_tests: is_for_tests(section), from_workspace });
        }
    }
    found
}

fn is_for_tests(section: &str) -> bool {
    section.contains("dev-dependencies")
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    #[test]
    fn a_dependency_on_a_later_crate_is_found_in_every_spelling() {
        let manifest = "[dependencies]\nfarebox-base.workspace = true\nfarebox-calls.workspace = true # later\n[dependencies.farebox-api]\nworkspace = true\n[dev-dependencies]\nfarebox-testkit.workspace = true\nfarebox-market = { workspace = true }\n";
        let path = "crates/ledger/Cargo.toml";
        let expected = ["crates/ledger/Cargo.toml:3", "crates/ledger/Cargo.toml:4", "crates/ledger/Cargo.toml:8"];
        assert_eq!(found(&LAYERS, &[(path, manifest)]), expected);
        assert_eq!(found(&LAYERS, &[("crates/novel/Cargo.toml", "")]), ["crates/novel/Cargo.toml:1"]);
    }

    #[test]
    fn a_driver_outside_its_crates_is_found_unless_a_test_needs_it() {
        let manifest =
            "[dependencies]\nrusqlite.workspace = true\n[dev-dependencies]\ntokio-postgres.workspace = true\n";
        assert_eq!(found(&DRIVERS, &[("crates/api/Cargo.toml", manifest)]), ["crates/api/Cargo.toml:2"]);
        assert!(found(&DRIVERS, &[("crates/db/Cargo.toml", manifest)]).is_empty());
    }

    #[test]
    fn a_version_of_its_own_and_missing_lints_are_found() {
        let own =
            format!("{LINTS}[dependencies]\nserde = \"1\"\nhttp = {{ workspace = true, features = [\"std\"] }}\n");
        assert_eq!(found(&MANIFESTS, &[("crates/api/Cargo.toml", &own)]), ["crates/api/Cargo.toml:4"]);
        assert_eq!(found(&MANIFESTS, &[("xtask/Cargo.toml", "[package]\n")]), ["xtask/Cargo.toml:1"]);
        assert!(found(&MANIFESTS, &[("Cargo.toml", "[dependencies]\nserde = \"1\"\n")]).is_empty());
    }

    #[test]
    fn a_crate_that_the_code_map_leaves_out_is_found() {
        let files = [
            ("ARCHITECTURE.md", "`base` holds words."),
            ("crates/base/Cargo.toml", LINTS),
            ("crates/db/Cargo.toml", LINTS),
        ];
        assert_eq!(found(&CODE_MAP, &files), ["ARCHITECTURE.md:1"]);
        assert_eq!(found(&CODE_MAP, &[]), ["ARCHITECTURE.md:1"]);
        assert!(found(&CODE_MAP, &files[..2]).is_empty());
    }
}
