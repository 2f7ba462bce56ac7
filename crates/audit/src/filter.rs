//! What a reader asks for.

use crate::line::{Line, Status};
use farebox_base::Timestamp;
use uuid::Uuid;

/// Every part narrows; none: all lines of the organisation.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub actor: Option<Uuid>,
    pub action: Option<String>,
    pub category: Option<String>,
    pub resource_type: Option<String>,
    pub resource_id: Option<Uuid>,
    pub status: Option<Status>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// How narrowly an action is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What<'a> {
    Anything,
    Category(&'a str),
    ResourceType(&'a str),
    Action(&'a str),
}

impl Filter {
    /// The narrowest that is named.
    pub(crate) fn what(&self) -> What<'_> {
        match (&self.action, &self.resource_type, &self.category) {
            (Some(action), ..) => What::Action(action),
            (None, Some(resource_type), _) => What::ResourceType(resource_type),
            (None, None, Some(category)) => What::Category(category),
            (None, None, None) => What::Anything,
        }
    }

    /// Whether a name is given beside a narrower one, so that the two may contradict each other.
    pub(crate) fn names_twice(&self) -> bool {
        let names = [&self.action, &self.resource_type, &self.category];
        names.into_iter().flatten().count() > 1
    }

    /// Whether a line has all the names.
    pub(crate) fn names(&self, line: &Line) -> bool {
        let fits = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
        fits(&self.action, &line.action)
            && fits(&self.resource_type, &line.resource_type)
            && fits(&self.category, &line.category)
    }
}
