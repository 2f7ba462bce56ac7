//! How much a skill and a party may hold.

/// The bounds. Sizes are bytes of decoded content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillLimits {
    /// Files of one revision.
    pub files: usize,
    pub file_bytes: usize,
    /// All files of one revision together.
    pub revision_bytes: usize,
    /// `SKILL.md`, which is shown whole with its revision.
    pub skill_md_bytes: usize,
    /// Skills of one party, archived ones too.
    pub skills: i64,
    /// Revisions of one skill.
    pub revisions: i64,
    /// Contents and bundles of one party, each counted once.
    pub stored_bytes: i64,
}

impl Default for SkillLimits {
    fn default() -> Self {
        Self {
            files: 256,
            file_bytes: 4 << 20,
            revision_bytes: 8 << 20,
            skill_md_bytes: 256 << 10,
            skills: 1_000,
            revisions: 1_000,
            stored_bytes: 1 << 30,
        }
    }
}
