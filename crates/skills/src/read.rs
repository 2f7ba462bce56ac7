//! Reading one revision: what it says, its files, its bundle.

use crate::package::ENTRY;
use crate::row::{self, REVISIONS};
use crate::{Bundle, FileContent, FileInfo, Revision, RevisionSummary, Skills, path};
use farebox_base::{Error, PartyId, Result, SkillId, SkillRevisionId};
use farebox_db::{Where, sql};
use serde_json::{Map, Value};

impl Skills {
    /// A revision of one of the party's skills.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn revision(&self, party: PartyId, skill: SkillId, id: SkillRevisionId) -> Result<Revision> {
        let summary = self.summary(party, skill, id).await?;
        let entry = self.file(party, skill, id, ENTRY).await?;
        Ok(Revision {
            files: self.files(party, &summary).await?,
            frontmatter: self.frontmatter(party, id).await?,
            summary,
            skill_md: String::from_utf8(entry.content).map_err(|_| Error::internal("a SKILL.md is no UTF-8"))?,
            skill_md_sha256: entry.info.sha256,
        })
    }

    /// A file of a revision, by its path exactly as it was sent.
    ///
    /// # Errors
    /// `Invalid` for `path` where no file can have it; `NotFound`; those of the database.
    pub async fn file(
        &self,
        party: PartyId,
        skill: SkillId,
        revision: SkillRevisionId,
        path: &str,
    ) -> Result<FileContent> {
        path::check("path", path)?;
        let summary = self.summary(party, skill, revision).await?;
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT f.id, f.path, f.content_type, f.is_text, f.size_bytes, f.sha256, b.content
                     FROM skill_file f JOIN skill_blob b ON b.party_id = f.party_id AND b.sha256 = f.sha256
                     WHERE f.revision_id = $1 AND f.party_id = $2 AND f.path = $3"
                ),
                &[(&revision.to_string()).into(), (&party.to_string()).into(), path.into()],
            )
            .await?
            .ok_or_else(|| Error::not_found("File"))?;
        Ok(FileContent { info: row::file(&row, &summary)?, content: row.get(6)? })
    }

    /// The bundle of a revision, as it was made with it.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn bundle(&self, party: PartyId, skill: SkillId, revision: SkillRevisionId) -> Result<Bundle> {
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT s.slug, r.number, r.bundle_sha256, b.content
                     FROM skill_revision r
                       JOIN skill s ON s.id = r.skill_id AND s.party_id = r.party_id
                       JOIN skill_blob b ON b.party_id = r.party_id AND b.sha256 = r.bundle_sha256
                     WHERE r.id = $1 AND r.skill_id = $2 AND r.party_id = $3"
                ),
                &[(&revision.to_string()).into(), (&skill.to_string()).into(), (&party.to_string()).into()],
            )
            .await?
            .ok_or_else(revision_not_found)?;
        let (slug, number): (&str, i64) = (row.get(0)?, row.get(1)?);
        Ok(Bundle { file_name: format!("{slug}-r{number}.tar.gz"), sha256: row.get(2)?, bytes: row.get(3)? })
    }

    /// A revision, if it is one of this skill and the skill one of this party.
    async fn summary(&self, party: PartyId, skill: SkillId, id: SkillRevisionId) -> Result<RevisionSummary> {
        let (party, skill, id) = (party.to_string(), skill.to_string(), id.to_string());
        let mut wanted = Where::new(REVISIONS);
        wanted.and(
            "r.party_id = $1 AND r.skill_id = $2 AND r.id = $3",
            &[(&party).into(), (&skill).into(), (&id).into()],
        );
        let (statement, params) = wanted.finish("", &[]);
        let row = self.db().query_built(&statement, &params).await?.pop().ok_or_else(revision_not_found)?;
        row::revision(&row).map(|read| read.summary)
    }

    async fn files(&self, party: PartyId, revision: &RevisionSummary) -> Result<Vec<FileInfo>> {
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT id, path, content_type, is_text, size_bytes, sha256 FROM skill_file
                     WHERE revision_id = $1 AND party_id = $2"
                ),
                &[(&revision.id.to_string()).into(), (&party.to_string()).into()],
            )
            .await?;
        let mut files = rows.iter().map(|row| row::file(row, revision)).collect::<Result<Vec<_>>>()?;
        // Here and not in SQL, because servers order texts by their language.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    async fn frontmatter(&self, party: PartyId, revision: SkillRevisionId) -> Result<Map<String, Value>> {
        let row = self
            .db()
            .one(
                sql!("SELECT frontmatter FROM skill_revision WHERE id = $1 AND party_id = $2"),
                &[(&revision.to_string()).into(), (&party.to_string()).into()],
            )
            .await?
            .ok_or_else(revision_not_found)?;
        let text: &str = row.get(0)?;
        serde_json::from_str(text).map_err(|e| Error::internal(format!("a stored frontmatter: {e}")))
    }
}

pub(crate) fn revision_not_found() -> Error {
    Error::not_found("Custom skill revision")
}
