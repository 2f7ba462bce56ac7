//! Adding a revision.

use crate::list::skill_not_found;
use crate::row::skill_status;
use crate::{Author, FileInput, Package, Revision, RevisionStatus, SkillStatus, Skills, store};
use farebox_base::{Error, Result, SkillFileId, SkillId, SkillRevisionId};
use farebox_db::{Rows, Tx, sql, tx};

impl Skills {
    /// Adds a revision to one of the author's party's skills, and publishes it where that is asked. `field` names the
    /// list of files in errors.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `NotFound`; `Conflict` (`skill_archived`, `too_many_revisions`,
    /// `skill_storage_full`).
    pub async fn revision_create(
        &self,
        author: Author,
        skill: SkillId,
        field: &'static str,
        files: Vec<FileInput>,
        publish: bool,
    ) -> Result<Revision> {
        let package = self.pack(field, files).await?;
        let id = tx!(self.db(), tx => { self.revision_create_in(tx, author, skill, &package, publish).await })?;
        self.revision(author.party, skill, id).await
    }

    async fn revision_create_in(
        &self,
        tx: &mut Tx,
        author: Author,
        skill: SkillId,
        package: &Package,
        publish: bool,
    ) -> Result<SkillRevisionId> {
        let revision = self.revision_add_in(tx, author, skill, package).await?;
        if publish {
            self.publish_in(tx, author, skill, revision).await?;
        }
        Ok(revision)
    }

    /// Adds a draft.
    pub(crate) async fn revision_add_in(
        &self,
        tx: &mut Tx,
        author: Author,
        skill: SkillId,
        package: &Package,
    ) -> Result<SkillRevisionId> {
        let number = self.number_take_in(tx, author, skill).await?;
        store::blobs_put_in(tx, author.party, package, self.limits()).await?;
        let id = SkillRevisionId::generate(self.clock(), self.rng());
        let frontmatter = serde_json::to_string(&package.frontmatter.values)
            .map_err(|e| Error::internal(format!("frontmatter: {e}")))?;
        tx.execute_one(
            sql!(
                "INSERT INTO skill_revision (id, party_id, skill_id, number, status, title, description, frontmatter,
                   bundle_sha256, bundle_size, file_count, created_by, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
            ),
            &[
                (&id.to_string()).into(),
                (&author.party.to_string()).into(),
                (&skill.to_string()).into(),
                number.into(),
                RevisionStatus::Draft.text().into(),
                package.frontmatter.title.as_ref().into(),
                package.frontmatter.description.as_ref().into(),
                (&frontmatter).into(),
                (&package.bundle_sha256).into(),
                count(package.bundle.len()).into(),
                count(package.files.len()).into(),
                author.user_text().as_ref().into(),
                self.now().into(),
            ],
        )
        .await?;
        self.files_insert_in(tx, author, id, package).await?;
        Ok(id)
    }

    /// The next number of the skill, which nobody else gets.
    async fn number_take_in(&self, tx: &mut Tx, author: Author, skill: SkillId) -> Result<i64> {
        let most = self.limits().revisions;
        let taken = tx
            .one(
                sql!(
                    "UPDATE skill SET latest_number = latest_number + 1, updated_at = $4, updated_by = $5
                     WHERE id = $1 AND party_id = $2 AND status = 'active' AND latest_number < $3
                     RETURNING latest_number"
                ),
                &[
                    (&skill.to_string()).into(),
                    (&author.party.to_string()).into(),
                    most.into(),
                    self.now().into(),
                    author.user_text().as_ref().into(),
                ],
            )
            .await?;
        if let Some(row) = taken {
            return Ok(row.get(0)?);
        }
        check_active_in(tx, author, skill).await?;
        Err(Error::conflict("too_many_revisions", format!("A skill can have {most} revisions")))
    }

    async fn files_insert_in(
        &self,
        tx: &mut Tx,
        author: Author,
        revision: SkillRevisionId,
        package: &Package,
    ) -> Result<()> {
        let (party, revision) = (author.party.to_string(), revision.to_string());
        let new_id = || SkillFileId::generate(self.clock(), self.rng()).to_string();
        let ids: Vec<String> = package.files.iter().map(|_| new_id()).collect();
        let mut rows = Rows::with_capacity(ids.len(), 8);
        for (id, file) in ids.iter().zip(&package.files) {
            rows.push([
                id.into(),
                (&party).into(),
                (&revision).into(),
                (&file.path).into(),
                (&file.content_type).into(),
                file.is_text.into(),
                count(file.content.len()).into(),
                (&file.sha256).into(),
            ]);
        }
        let insert = sql!(
            "INSERT INTO skill_file (id, party_id, revision_id, path, content_type, is_text, size_bytes, sha256)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        );
        Ok(tx.execute_each(insert, &rows).await?)
    }
}

/// Why a skill that was not found active takes no revision, where it is not for their number.
///
/// # Errors
/// `NotFound`; `Conflict` (`skill_archived`).
async fn check_active_in(tx: &mut Tx, author: Author, skill: SkillId) -> Result<()> {
    let row = tx
        .one(
            sql!("SELECT status FROM skill WHERE id = $1 AND party_id = $2"),
            &[(&skill.to_string()).into(), (&author.party.to_string()).into()],
        )
        .await?
        .ok_or_else(skill_not_found)?;
    match skill_status(&row, 0)? {
        SkillStatus::Active => Ok(()),
        SkillStatus::Archived => Err(skill_archived()),
    }
}

pub(crate) fn skill_archived() -> Error {
    Error::conflict("skill_archived", "The skill is archived; set its status to active first")
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
