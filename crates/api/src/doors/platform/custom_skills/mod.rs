//! Skills of an organization: made, revised, published, downloaded.

mod reply;

use super::Cx;
use crate::Core;
use crate::organization::organization;
use farebox_api_kit::{Data, Header, Json, Ok200, Path, Query, Reply, operations};
use farebox_api_types::Patch;
use farebox_api_types::platform::{
    BundleConditions, CreateOrganizationCustomSkillRequest, CreateOrganizationCustomSkillRevisionRequest,
    CustomSkillFileQuery, ListCustomSkillsQuery, OrganizationCustomSkill, OrganizationCustomSkillFileContent,
    OrganizationCustomSkillFileInput, OrganizationCustomSkillRevision, OrganizationCustomSkillRevisionSummary,
    OrganizationCustomSkillStatus, UpdateOrganizationCustomSkillRequest,
};
use farebox_base::{Result, SkillId, SkillRevisionId};
use farebox_skills::{Author, FileInput, NewSkill, SkillFilter, SkillPatch, SkillStatus};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Organizations";
    GET   "/organizations/{organization_id}/custom-skills" list_custom_skills(Needs(SkillsRead)) stranger(NotFound) "List an organization's skills";
    POST  "/organizations/{organization_id}/custom-skills" create_custom_skill(Needs(SkillsWrite)) errors(409) stranger(NotFound) limit(BODY_BYTES) "Create a skill with its first revision";
    GET   "/organizations/{organization_id}/custom-skills/{skill_id}" get_custom_skill(Needs(SkillsRead)) stranger(NotFound) "Show a skill";
    PATCH "/organizations/{organization_id}/custom-skills/{skill_id}" update_custom_skill(Needs(SkillsWrite)) stranger(NotFound) "Change or archive a skill";
    GET   "/organizations/{organization_id}/custom-skills/{skill_id}/revisions" list_custom_skill_revisions(Needs(SkillsRead)) stranger(NotFound) "List a skill's revisions, newest first";
    POST  "/organizations/{organization_id}/custom-skills/{skill_id}/revisions" create_custom_skill_revision(Needs(SkillsWrite)) errors(409) stranger(NotFound) limit(BODY_BYTES) "Add a revision to a skill";
    GET   "/organizations/{organization_id}/custom-skills/{skill_id}/revisions/{revision_id}" get_custom_skill_revision(Needs(SkillsRead)) stranger(NotFound) "Show a revision with its text and files";
    GET   "/organizations/{organization_id}/custom-skills/{skill_id}/revisions/{revision_id}/bundle" download_custom_skill_revision_bundle(Needs(SkillsRead)) stranger(NotFound) replies(200 as "application/gzip", 304) "Download a revision's files as a gzipped tar";
    GET   "/organizations/{organization_id}/custom-skills/{skill_id}/revisions/{revision_id}/file" get_custom_skill_revision_file(Needs(SkillsRead)) stranger(NotFound) "Read a file of a revision";
    POST  "/organizations/{organization_id}/custom-skills/{skill_id}/revisions/{revision_id}/publish" publish_custom_skill_revision(Needs(SkillsWrite)) errors(409) stranger(NotFound) "Publish a revision in place of the one that is";
}

/// Room for the files of the largest revision in base64, and what stands around them.
const BODY_BYTES: usize = 12 << 20;

type Shown = Result<Ok200<Data<OrganizationCustomSkill>>>;

async fn list_custom_skills(
    cx: Cx,
    path: Path<String>,
    query: Query<ListCustomSkillsQuery>,
) -> Result<Ok200<Data<Vec<OrganizationCustomSkill>>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let filter = SkillFilter { text: query.0.q, include_archived: query.0.include_archived };
    let skills = cx.core.skills.skills(party, &filter).await?;
    Ok(Ok200(Data(skills.into_iter().map(reply::skill).collect())))
}

async fn create_custom_skill(cx: Cx, path: Path<String>, body: Json<CreateOrganizationCustomSkillRequest>) -> Shown {
    let author = author(&cx, &path.0)?;
    let CreateOrganizationCustomSkillRequest { slug, display_name, description, initial_revision } = body.0;
    let publish = initial_revision.publish;
    let new = NewSkill { slug, display_name, description, files: files(initial_revision.files), publish };
    let skill = cx.core.skills.skill_create(author, "initial_revision.files", new).await?;
    Ok(Ok200(Data(reply::skill(skill))))
}

async fn get_custom_skill(cx: Cx, path: Path<(String, Uuid)>) -> Shown {
    let party = organization(cx.caller()?, &path.0.0)?;
    let skill = cx.core.skills.skill(party, SkillId::from_uuid(path.0.1)).await?;
    Ok(Ok200(Data(reply::skill(skill))))
}

async fn update_custom_skill(
    cx: Cx,
    path: Path<(String, Uuid)>,
    body: Json<UpdateOrganizationCustomSkillRequest>,
) -> Shown {
    let author = author(&cx, &path.0.0)?;
    let patch = SkillPatch {
        display_name: body.0.display_name,
        description: match body.0.description {
            Patch::Absent => None,
            Patch::Null => Some(None),
            Patch::Value(text) => Some(Some(text)),
        },
        status: body.0.status.map(|status| match status {
            OrganizationCustomSkillStatus::Active => SkillStatus::Active,
            OrganizationCustomSkillStatus::Archived => SkillStatus::Archived,
        }),
    };
    let skill = cx.core.skills.skill_update(author, SkillId::from_uuid(path.0.1), &patch).await?;
    Ok(Ok200(Data(reply::skill(skill))))
}

async fn list_custom_skill_revisions(
    cx: Cx,
    path: Path<(String, Uuid)>,
) -> Result<Ok200<Data<Vec<OrganizationCustomSkillRevisionSummary>>>> {
    let party = organization(cx.caller()?, &path.0.0)?;
    let revisions = cx.core.skills.revisions(party, SkillId::from_uuid(path.0.1)).await?;
    Ok(Ok200(Data(revisions.into_iter().map(reply::summary).collect())))
}

async fn create_custom_skill_revision(
    cx: Cx,
    path: Path<(String, Uuid)>,
    body: Json<CreateOrganizationCustomSkillRevisionRequest>,
) -> Result<Ok200<Data<OrganizationCustomSkillRevision>>> {
    let (author, skill) = (author(&cx, &path.0.0)?, SkillId::from_uuid(path.0.1));
    let files = files(body.0.files);
    let revision = cx.core.skills.revision_create(author, skill, "files", files, body.0.publish).await?;
    Ok(Ok200(Data(reply::revision(revision))))
}

async fn get_custom_skill_revision(
    cx: Cx,
    path: Path<(String, Uuid, Uuid)>,
) -> Result<Ok200<Data<OrganizationCustomSkillRevision>>> {
    let party = organization(cx.caller()?, &path.0.0)?;
    let (skill, revision) = ids(&path.0);
    let revision = cx.core.skills.revision(party, skill, revision).await?;
    Ok(Ok200(Data(reply::revision(revision))))
}

async fn download_custom_skill_revision_bundle(
    cx: Cx,
    path: Path<(String, Uuid, Uuid)>,
    conditions: Header<BundleConditions>,
) -> Result<Reply> {
    let party = organization(cx.caller()?, &path.0.0)?;
    let (skill, revision) = ids(&path.0);
    let bundle = cx.core.skills.bundle(party, skill, revision).await?;
    reply::bundle(bundle, conditions.0.if_none_match.as_deref())
}

async fn get_custom_skill_revision_file(
    cx: Cx,
    path: Path<(String, Uuid, Uuid)>,
    query: Query<CustomSkillFileQuery>,
) -> Result<Ok200<Data<OrganizationCustomSkillFileContent>>> {
    let party = organization(cx.caller()?, &path.0.0)?;
    let (skill, revision) = ids(&path.0);
    let file = cx.core.skills.file(party, skill, revision, &query.0.path).await?;
    Ok(Ok200(Data(reply::file_content(file))))
}

async fn publish_custom_skill_revision(cx: Cx, path: Path<(String, Uuid, Uuid)>) -> Shown {
    let author = author(&cx, &path.0.0)?;
    let (skill, revision) = ids(&path.0);
    let skill = cx.core.skills.publish(author, skill, revision).await?;
    Ok(Ok200(Data(reply::skill(skill))))
}

fn author(cx: &Cx, organization_text: &str) -> Result<Author> {
    let caller = cx.caller()?;
    Ok(Author { party: organization(caller, organization_text)?, user: caller.user_id })
}

fn ids((_, skill, revision): &(String, Uuid, Uuid)) -> (SkillId, SkillRevisionId) {
    (SkillId::from_uuid(*skill), SkillRevisionId::from_uuid(*revision))
}

fn files(sent: Vec<OrganizationCustomSkillFileInput>) -> Vec<FileInput> {
    let file = |file: OrganizationCustomSkillFileInput| FileInput {
        path: file.relative_path,
        content_base64: file.content_base64,
        content_type: file.content_type,
    };
    sent.into_iter().map(file).collect()
}
