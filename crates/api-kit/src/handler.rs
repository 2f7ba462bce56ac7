//! Handlers: plain async functions of a context and up to four arguments, erased to one type.

use crate::args::{Arg, Input};
use crate::body::Body;
use crate::core::{Core, Cx};
use crate::openapi::{Schemas, Shape};
use crate::reply::Output;
use farebox_base::Result;
use http::Response;
use std::future::Future;
use std::pin::Pin;

/// A handler that runs.
pub type Pending = Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send>>;

/// `async fn(Cx<C>, …arguments) -> Result<impl Output>`.
pub trait Handler<C: Core, A>: Copy + Send + Sync + 'static {
    /// Whether an argument takes the request as it streams in.
    const RAW: bool;
    /// How many arguments take the body; more than one is a mistake that the table reports.
    const BODIES: usize;
    /// Whether an argument stands behind the one that takes the whole request, another such mistake.
    const READS_AFTER_RAW: bool;

    fn call(self, cx: Cx<C>, input: Input) -> Pending;

    fn describe(schemas: &mut Schemas) -> Shape;
}

macro_rules! handlers {
    ($($arg:ident $value:ident),*) => {
        impl<C, F, U, O, $($arg),*> Handler<C, ($($arg,)*)> for F
        where
            C: Core,
            F: Fn(Cx<C>, $($arg),*) -> U + Copy + Send + Sync + 'static,
            U: Future<Output = Result<O>> + Send + 'static,
            O: Output,
            $($arg: Arg + 'static),*
        {
            const RAW: bool = false $(|| $arg::RAW)*;
            const BODIES: usize = 0 $(+ $arg::TAKES_BODY as usize)*;
            const READS_AFTER_RAW: bool = {
                let raw: &[bool] = &[$($arg::RAW),*];
                matches!(raw, [true, _, ..] | [_, true, _, ..] | [_, _, true, _])
            };

            fn call(self, cx: Cx<C>, input: Input) -> Pending {
                Box::pin(async move {
                    let mut input = input;
                    let _ = &mut input;
                    $(let $value = $arg::read(&mut input).await?;)*
                    drop(input);
                    self(cx, $($value),*).await?.write()
                })
            }

            fn describe(schemas: &mut Schemas) -> Shape {
                let mut shape = Shape::default();
                $($arg::describe(schemas, &mut shape);)*
                shape.replies = O::describe(schemas);
                shape
            }
        }
    };
}

handlers!();
handlers!(A1 first);
handlers!(A1 first, A2 second);
handlers!(A1 first, A2 second, A3 third);
handlers!(A1 first, A2 second, A3 third, A4 fourth);
