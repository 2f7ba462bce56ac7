//! One row of the table.

use crate::DoorId;
use crate::args::Input;
use crate::core::{Core, Cx, RateClass};
use crate::handler::{Handler, Pending};
use crate::openapi::{DeclaredReply, Schemas, Shape};
use farebox_base::{Access, Error};
use http::Method;
use std::fmt;
use std::sync::Arc;

type Call<C> = Arc<dyn Fn(Cx<C>, Input) -> Pending + Send + Sync>;

/// The methods of one row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Methods(&'static [Method]);

impl Methods {
    pub const GET: Methods = Methods(&[Method::GET]);
    pub const POST: Methods = Methods(&[Method::POST]);
    pub const PUT: Methods = Methods(&[Method::PUT]);
    pub const PATCH: Methods = Methods(&[Method::PATCH]);
    pub const DELETE: Methods = Methods(&[Method::DELETE]);
    /// What a proxy takes. HEAD and OPTIONS are served and not documented.
    pub const ANY: Methods = Methods(&[
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ]);

    pub fn served(self) -> &'static [Method] {
        self.0
    }

    pub fn documented(self) -> impl Iterator<Item = &'static Method> {
        self.0.iter().filter(|method| !matches!(**method, Method::HEAD | Method::OPTIONS))
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0).finish()
    }
}

/// The answer to a caller from outside the organisation that a path names; the same whether it exists or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stranger {
    /// 403.
    #[default]
    Forbidden,
    /// 404, where the door's reference has no 403.
    NotFound,
}

impl Stranger {
    pub const fn status(self) -> u16 {
        match self {
            Stranger::Forbidden => 403,
            Stranger::NotFound => 404,
        }
    }

    pub(crate) fn refusal(self) -> Error {
        match self {
            Stranger::Forbidden => Error::forbidden("You are not a member of this organization"),
            Stranger::NotFound => Error::not_found("Organization"),
        }
    }
}

/// An endpoint: where it is, who may call it, what it does, how it is documented.
#[derive(Clone)]
pub struct Operation<C: Core> {
    /// Unique within its door.
    pub id: &'static str,
    pub door: DoorId,
    pub methods: Methods,
    /// `/things/{thing_id}`, or with a tail of any length `/things/{thing_id}/{*path}`.
    pub path: &'static str,
    pub access: Access,
    pub tag: &'static str,
    pub summary: &'static str,
    pub rate: RateClass,
    /// What somebody hears who does not belong to the organisation that the path names.
    pub stranger: Stranger,
    /// Statuses of errors beyond those that every operation of its form can meet.
    pub errors: &'static [u16],
    /// Replies beyond those that the handler's type tells.
    pub replies: Vec<DeclaredReply>,
    /// The longest body; `None` for the dispatcher's default.
    pub body_limit_bytes: Option<usize>,
    pub(crate) raw: bool,
    pub(crate) bodies: usize,
    pub(crate) reads_after_raw: bool,
    pub(crate) shape: fn(&mut Schemas) -> Shape,
    pub(crate) call: Call<C>,
}

/// A row without its options; the table macro adds them.
pub fn operation<C: Core, A, H: Handler<C, A>>(
    (methods, path): (Methods, &'static str),
    (id, handler): (&'static str, H),
    access: Access,
    (door, tag): (DoorId, &'static str),
    summary: &'static str,
) -> Operation<C> {
    Operation {
        id,
        door,
        methods,
        path,
        access,
        tag,
        summary,
        rate: RateClass::General,
        stranger: Stranger::Forbidden,
        errors: &[],
        replies: Vec::new(),
        body_limit_bytes: None,
        raw: H::RAW,
        bodies: H::BODIES,
        reads_after_raw: H::READS_AFTER_RAW,
        shape: H::describe,
        call: Arc::new(move |cx, input| handler.call(cx, input)),
    }
}

impl<C: Core> Operation<C> {
    /// Overrides the tag of the table.
    #[must_use]
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    #[must_use]
    pub fn stranger(mut self, answer: Stranger) -> Self {
        self.stranger = answer;
        self
    }

    #[must_use]
    pub fn errors(mut self, statuses: &'static [u16]) -> Self {
        self.errors = statuses;
        self
    }

    #[must_use]
    pub fn reply(mut self, reply: DeclaredReply) -> Self {
        self.replies.push(reply);
        self
    }

    #[must_use]
    pub fn rate(mut self, class: RateClass) -> Self {
        self.rate = class;
        self
    }

    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit_bytes = Some(bytes);
        self
    }

    /// Names of the variable parts, in order; the tail without its star.
    pub fn param_names(&self) -> impl Iterator<Item = &'static str> + use<C> {
        let inner = |segment: &'static str| segment.strip_prefix('{')?.strip_suffix('}');
        self.path.split('/').filter_map(inner).map(|name| name.strip_prefix('*').unwrap_or(name))
    }
}

impl<C: Core> fmt::Debug for Operation<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {} ({})", self.methods, self.path, self.id, self.door.name())
    }
}
