//! Rows, read by position in the order of the SELECT list.

use crate::{DbError, Value};
use farebox_base::{
    ApiKeyId, BranchId, CallId, DatabaseId, DeploymentId, HoldId, InviteId, KeyId, ListingId, Micros,
    OauthConnectionId, OauthProviderId, PartyId, ProjectId, RoleId, SessionId, Timestamp, TransferId, UserId,
    VpcEndpointId,
};
use farebox_base::{SkillFileId, SkillId, SkillRevisionId};

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// The column at `index`, counted from 0. `&str` and `&[u8]` borrow from the row.
    ///
    /// # Errors
    /// `Other` where the row has no such column, the column is NULL and `T` is no `Option`, or the types differ.
    pub fn get<'r, T: Column<'r>>(&'r self, index: usize) -> Result<T, DbError> {
        let Some(value) = self.values.get(index) else {
            return Err(DbError::Other(format!("the row has {} columns, none at {index}", self.values.len())));
        };
        match T::read(value) {
            Some(read) => Ok(read),
            None => Err(DbError::Other(format!(
                "column {index}: expected {}, found {}",
                std::any::type_name::<T>(),
                value.type_name()
            ))),
        }
    }

    /// All values, in SELECT order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

/// A type that a column can be read as.
pub trait Column<'r>: Sized {
    /// `None` where the value is of another type.
    fn read(value: &'r Value) -> Option<Self>;
}

impl Column<'_> for i64 {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::I64(number) => Some(*number),
            _ => None,
        }
    }
}

impl Column<'_> for bool {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::I64(0) => Some(false),
            Value::I64(1) => Some(true),
            _ => None,
        }
    }
}

impl Column<'_> for Micros {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value).map(Micros::new)
    }
}

impl Column<'_> for Timestamp {
    fn read(value: &Value) -> Option<Self> {
        i64::read(value).map(Timestamp::from_micros)
    }
}

impl<'r> Column<'r> for &'r str {
    fn read(value: &'r Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Column<'_> for String {
    fn read(value: &Value) -> Option<Self> {
        <&str>::read(value).map(str::to_owned)
    }
}

impl<'r> Column<'r> for &'r [u8] {
    fn read(value: &'r Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl Column<'_> for Vec<u8> {
    fn read(value: &Value) -> Option<Self> {
        <&[u8]>::read(value).map(<[u8]>::to_vec)
    }
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn read(value: &'r Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            present => T::read(present).map(Some),
        }
    }
}

macro_rules! id_columns {
    ($($id:ty),*) => {$(
        impl Column<'_> for $id {
            fn read(value: &Value) -> Option<Self> {
                <&str>::read(value).and_then(<$id>::parse)
            }
        }
    )*};
}

id_columns!(PartyId, UserId, SessionId, RoleId, InviteId, ListingId, CallId, ApiKeyId, TransferId, HoldId, KeyId);
id_columns!(OauthProviderId, OauthConnectionId);
id_columns!(VpcEndpointId, DeploymentId, ProjectId, BranchId, DatabaseId);
id_columns!(SkillId, SkillRevisionId, SkillFileId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_another_type_is_an_error_that_names_it() {
        let row = Row::new(vec![Value::I64(2), Value::Null, Value::Text("x".to_owned())]);
        assert_eq!(row.get::<Option<i64>>(1), Ok(None));
        assert_eq!(row.get::<&str>(2), Ok("x"));
        for wrong in [row.get::<bool>(0).err(), row.get::<i64>(1).map(|_| true).err(), row.get::<bool>(3).err()] {
            assert!(matches!(wrong, Some(DbError::Other(_))), "{wrong:?}");
        }
        assert_eq!(row.get::<i64>(2), Err(DbError::Other("column 2: expected i64, found TEXT".to_owned())));
        assert!(row.get::<PartyId>(2).is_err());
    }
}
