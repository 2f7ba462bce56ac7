//! The hash that ties a line to the one before it, over every field.
//!
//! Invariant: computed from what is stored, it is the same as when it was written.

use crate::line::Line;

/// The hash of line `seq` after the one that is hashed as `before`, which is empty for the first.
pub(crate) fn hash(seq: i64, before: &[u8], line: &Line) -> [u8; 32] {
    let mut seal = Seal(blake3::Hasher::new());
    seal.number(seq);
    seal.bytes(before);
    seal.bytes(line.id.as_bytes());
    seal.number(line.at.micros());
    seal.optional(line.party_id.as_deref());
    seal.bytes(line.actor_type.as_bytes());
    seal.optional(line.actor_id.as_deref());
    seal.bytes(line.action.as_bytes());
    seal.bytes(line.category.as_bytes());
    seal.bytes(line.resource_type.as_bytes());
    seal.optional(line.resource_id.as_deref());
    seal.bytes(line.status.as_bytes());
    seal.optional(line.error.as_deref());
    seal.optional(line.address.as_deref());
    seal.optional(line.user_agent.as_deref());
    seal.optional(line.request_id.as_deref());
    seal.bytes(line.metadata.as_bytes());
    *seal.0.finalize().as_bytes()
}

struct Seal(blake3::Hasher);

impl Seal {
    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.0.update(bytes);
    }

    /// An absent text and an empty one differ.
    fn optional(&mut self, text: Option<&str>) {
        self.number(i64::from(text.is_some()));
        self.bytes(text.unwrap_or_default().as_bytes());
    }
}
