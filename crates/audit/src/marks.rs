//! The lists that a line stands in: one for each combination of actor or any, kind of action in each breadth or any, and
//! resource or any, each apart by status.
//!
//! A reader's filter names one list, or one for each status. With them a page, a count and a page far back cost the same
//! whatever was asked for, which no few indexes over the lines could give. Lines without an organisation stand in none.

use crate::filter::{Filter, What};
use crate::line::{Line, Status};

/// The lists of a line, at most sixteen.
pub(crate) fn of_line(line: &Line) -> Vec<i64> {
    let Some(party) = line.party_id.as_deref() else { return Vec::new() };
    let actors = [None, line.actor_id.as_deref()];
    let whats = [
        What::Anything,
        What::Category(&line.category),
        What::ResourceType(&line.resource_type),
        What::Action(&line.action),
    ];
    let resources = [None, line.resource_id.as_deref()];
    let mut lists = Vec::with_capacity(16);
    // Without an actor or a resource there is only the list of any.
    for actor in &actors[..1 + usize::from(actors[1].is_some())] {
        for resource in &resources[..1 + usize::from(resources[1].is_some())] {
            lists.extend(whats.iter().map(|what| name(party, &line.status, *actor, *what, *resource)));
        }
    }
    lists
}

/// The lists that a filter names, of any time.
pub(crate) fn of_filter(party: &str, filter: &Filter) -> [Option<i64>; 3] {
    let (actor, resource) = (filter.actor.map(|id| id.to_string()), filter.resource_id.map(|id| id.to_string()));
    Status::ALL.map(|status| {
        let wanted = filter.status.is_none_or(|wanted| wanted == status);
        wanted.then(|| name(party, status.text(), actor.as_deref(), filter.what(), resource.as_deref()))
    })
}

/// The first eight bytes of a hash. Where two lists ever fell on one name, a reader would count wrong and see no line of
/// another organisation, because lines are read by theirs.
fn name(party: &str, status: &str, actor: Option<&str>, what: What<'_>, resource: Option<&str>) -> i64 {
    let (breadth, word) = match what {
        What::Anything => ("any", ""),
        What::Category(word) => ("category", word),
        What::ResourceType(word) => ("type", word),
        What::Action(word) => ("action", word),
    };
    let mut hasher = blake3::Hasher::new();
    for text in [party, status, actor.unwrap_or_default(), breadth, word, resource.unwrap_or_default()] {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut start = [0; 8];
    hasher.finalize_xof().fill(&mut start);
    i64::from_le_bytes(start)
}
