//! The table macro, and what makes a table unusable.

use crate::core::Core;
use crate::openapi::Schemas;
use crate::operation::Operation;
use std::collections::BTreeSet;
use std::fmt;

/// Defines `pub fn operations() -> Vec<Operation<C>>` from rows.
///
/// ```text
/// operations! {
///     core App, door Platform, tag "Organizations";
///     GET  "/things"            thing_list(Needs(ListingsRead)) "List things";
///     POST "/things"            thing_create(Needs(ListingsWrite)) errors(409) "Create a thing";
///     ANY  "/things/{id}/{*path}" thing_call(Needs(CallsMake)) as "thing_proxy"
///          errors(402, 502) replies(200, 302) rate(Call) limit(8 << 20) "Call a thing";
/// }
/// ```
/// A row is: method, path, handler with its access in parentheses, options, summary. The handler's name is the
/// operation's id unless `as` gives another. Options, each at most once and in this order: `as "id"`, `tag("…")`,
/// `errors(status, …)`, `stranger(NotFound)`, `replies(status, status: Type, status as "media/type", …)`, `rate(Class)`, `limit(bytes)`.
#[macro_export]
macro_rules! operations {
    (
        core $core:ty, door $door:ident, tag $tag:literal;
        $($method:ident $path:literal $handler:ident($($access:tt)+)
            $(as $id:literal)?
            $(tag($own_tag:literal))?
            $(errors($($error:literal),* $(,)?))?
            $(stranger($stranger:ident))?
            $(replies($($status:literal $(: $reply:ty)? $(as $media:literal)?),* $(,)?))?
            $(rate($rate:ident))?
            $(limit($limit:expr))?
            $summary:literal;)+
    ) => {
        /// The rows of this file.
        pub fn operations() -> ::std::vec::Vec<$crate::Operation<$core>> {
            use $crate::row::*;
            ::std::vec![$(
                operation(
                    (Methods::$method, $path),
                    ($crate::operations!(@id $handler $($id)?), $handler),
                    $($access)+,
                    (DoorId::$door, $tag),
                    $summary,
                )
                $(.tag($own_tag))?
                $(.errors(&[$($error),*]))?
                $(.stranger(Stranger::$stranger))?
                $($(.reply(DeclaredReply::status($status)$(.json::<$reply>())?$(.media($media))?))*)?
                $(.rate(RateClass::$rate))?
                $(.body_limit($limit))?
            ),+]
        }
    };
    (@id $handler:ident) => { stringify!($handler) };
    (@id $handler:ident $id:literal) => { $id };
}

/// What is wrong with a table, one line per mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError(pub Vec<String>);

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the operation table is not usable: {}", self.0.join("; "))
    }
}

impl std::error::Error for TableError {}

/// Mistakes that the compiler cannot see. Routes that collide are found when the routes are built.
pub(crate) fn mistakes<C: Core>(operations: &[Operation<C>]) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for op in operations {
        let mut complain = |what: &str| found.push(format!("{op:?}: {what}"));
        if !ids.insert((op.door, op.id)) {
            complain("its id is taken");
        }
        if op.bodies > 1 {
            complain("more than one argument takes the body");
        }
        if op.reads_after_raw {
            complain("an argument stands behind the one that takes the whole request");
        }
        if op.summary.is_empty() || op.tag.is_empty() {
            complain("it has no summary or no tag");
        }
        let in_path: Vec<&str> = op.param_names().collect();
        if let Some(named) = (op.shape)(&mut Schemas::new()).path_names()
            && let Some(absent) = named.iter().find(|name| !in_path.contains(&name.as_str()))
        {
            complain(&format!("its path has no {absent}"));
        }
    }
    found
}
