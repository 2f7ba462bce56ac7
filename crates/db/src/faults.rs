//! The hook through which a simulation makes the storage misbehave.

use crate::DbError;

/// Where a fault can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// Instead of a statement, inside or outside of a transaction: it does not run.
    Statement,
    /// Instead of COMMIT: the transaction rolls back.
    BeforeCommit,
    /// After COMMIT: the transaction happened and its answer is lost. Surfaces as `CommitUnknown` whatever the fault.
    AfterCommit,
}

/// Decides, at each point, whether the storage fails there and how.
pub trait Faults: Send + Sync + 'static {
    fn at(&self, point: Point) -> Option<DbError>;
}

/// Nothing fails but what really fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn at(&self, _: Point) -> Option<DbError> {
        None
    }
}
