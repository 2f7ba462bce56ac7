//! Which row answers a method and a raw path.
//!
//! One tree per method, so that a literal path of one method does not hide another method's tail. Paths are
//! matched as they came, before any decoding: an encoded slash stays inside its segment.

use crate::DoorId;
use crate::core::Core;
use crate::operation::Operation;
use crate::path_params::PathParams;
use http::Method;
use matchit::Router;
use std::collections::BTreeSet;

const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];

/// The rows by method and path.
pub(crate) struct Routes {
    trees: [Router<usize>; METHODS.len()],
    rows: Vec<Row>,
}

struct Row {
    names: Vec<&'static str>,
    door: DoorId,
    raw: bool,
}

/// What a request meets.
pub(crate) enum Found {
    /// The row with this index; `head` where a GET row stands in for HEAD.
    Row {
        index: usize,
        params: PathParams,
        head: bool,
    },
    /// The path is there, with these methods.
    OtherMethods {
        allow: String,
        door: DoorId,
    },
    Nothing,
}

impl Routes {
    /// Builds the trees; returns the collisions beside them.
    pub(crate) fn new<C: Core>(operations: &[Operation<C>]) -> (Self, Vec<String>) {
        let row = |op: &Operation<C>| Row { names: op.param_names().collect(), door: op.door, raw: op.raw };
        let mut routes = Self { trees: Default::default(), rows: operations.iter().map(row).collect() };
        let mut collisions = Vec::new();
        let written: BTreeSet<String> = operations.iter().map(|op| anonymous(op.path)).collect();
        for (index, op) in operations.iter().enumerate() {
            let mut paths = vec![op.path.to_owned()];
            if let Some((before, _)) = op.path.split_once("/{*") {
                let bare = [format!("{before}/"), before.to_owned()];
                paths.extend(bare.into_iter().filter(|path| !path.is_empty() && !written.contains(&anonymous(path))));
            }
            for method in op.methods.served() {
                for path in &paths {
                    if let Some(place) = place(method)
                        && let Err(error) = routes.trees[place].insert(path, index)
                    {
                        collisions.push(format!("{op:?}: {error}"));
                    }
                }
            }
        }
        (routes, collisions)
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found {
        if let Some((index, params)) = self.at(method, path) {
            return Found::Row { index, params, head: false };
        }
        if *method == Method::HEAD
            && let Some((index, params)) = self.at(&Method::GET, path)
            && !self.rows[index].raw
        {
            return Found::Row { index, params, head: true };
        }
        self.other_methods(path)
    }

    fn at(&self, method: &Method, path: &str) -> Option<(usize, PathParams)> {
        let found = self.trees[place(method)?].at(path).ok()?;
        let mut values = found.params.iter().map(|(_, value)| value);
        let names = &self.rows[*found.value].names;
        let params = names.iter().map(|name| (*name, values.next().unwrap_or_default().into())).collect();
        Some((*found.value, PathParams(params)))
    }

    fn other_methods(&self, path: &str) -> Found {
        let mut allow: Vec<&str> = Vec::new();
        let mut door = None;
        for method in &METHODS {
            if let Some((index, _)) = self.at(method, path) {
                let row = &self.rows[index];
                door.get_or_insert(row.door);
                allow.push(method.as_str());
                if *method == Method::GET && !row.raw {
                    allow.push("HEAD");
                }
            }
        }
        match door {
            Some(door) => {
                allow.dedup();
                Found::OtherMethods { allow: allow.join(", "), door }
            }
            None => Found::Nothing,
        }
    }
}

fn place(method: &Method) -> Option<usize> {
    METHODS.iter().position(|known| known == method)
}

/// The path with its variable parts unnamed, so that two spellings of one path compare equal.
fn anonymous(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}
