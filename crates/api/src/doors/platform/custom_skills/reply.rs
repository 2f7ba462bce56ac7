//! Skills in the words of the platform door.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farebox_api_kit::{Reply, empty};
use farebox_api_types::platform::{
    OrganizationCustomSkill, OrganizationCustomSkillFileContent, OrganizationCustomSkillFileMetadata,
    OrganizationCustomSkillRevision, OrganizationCustomSkillRevisionStatus, OrganizationCustomSkillRevisionSummary,
    OrganizationCustomSkillStatus,
};
use farebox_base::{Error, Result};
use farebox_skills::{Bundle, FileContent, FileInfo, Revision, RevisionStatus, RevisionSummary, Skill, SkillStatus};
use http::header::{CONTENT_DISPOSITION, ETAG};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

pub(super) fn skill(skill: Skill) -> OrganizationCustomSkill {
    OrganizationCustomSkill {
        id: skill.id.uuid(),
        organization_id: skill.party_id.uuid(),
        slug: skill.slug,
        display_name: skill.display_name,
        description: skill.description,
        status: match skill.status {
            SkillStatus::Active => OrganizationCustomSkillStatus::Active,
            SkillStatus::Archived => OrganizationCustomSkillStatus::Archived,
        },
        latest_revision_id: skill.latest.as_ref().map(|revision| revision.id.uuid()),
        latest_revision: skill.latest.map(summary),
        published_revision_id: skill.published.as_ref().map(|revision| revision.id.uuid()),
        published_revision: skill.published.map(summary),
        created_by_user_id: skill.created_by.map(|user| user.uuid()),
        updated_by_user_id: skill.updated_by.map(|user| user.uuid()),
        created_at: skill.created_at.into(),
        updated_at: skill.updated_at.into(),
    }
}

pub(super) fn summary(revision: RevisionSummary) -> OrganizationCustomSkillRevisionSummary {
    OrganizationCustomSkillRevisionSummary {
        id: revision.id.uuid(),
        organization_custom_skill_id: revision.skill_id.uuid(),
        organization_id: revision.party_id.uuid(),
        revision_number: revision.number,
        status: status(revision.status),
        title: revision.title,
        description: revision.description,
        bundle_sha256: revision.bundle_sha256,
        bundle_size_bytes: revision.bundle_size_bytes,
        bundle_artifact_key: None,
        file_count: revision.file_count,
        created_by_user_id: revision.created_by.map(|user| user.uuid()),
        created_at: revision.created_at.into(),
        published_at: revision.published_at.map(Into::into),
    }
}

pub(super) fn revision(revision: Revision) -> OrganizationCustomSkillRevision {
    let manifest = revision.manifest();
    let Revision { summary, skill_md, skill_md_sha256, frontmatter, files } = revision;
    OrganizationCustomSkillRevision {
        id: summary.id.uuid(),
        organization_custom_skill_id: summary.skill_id.uuid(),
        organization_id: summary.party_id.uuid(),
        revision_number: summary.number,
        status: status(summary.status),
        title: summary.title,
        description: summary.description,
        skill_md,
        skill_md_sha256,
        frontmatter: Value::Object(frontmatter),
        manifest,
        bundle_sha256: summary.bundle_sha256,
        bundle_size_bytes: summary.bundle_size_bytes,
        bundle_artifact_key: None,
        files: files.into_iter().map(file).collect(),
        created_by_user_id: summary.created_by.map(|user| user.uuid()),
        created_at: summary.created_at.into(),
        published_at: summary.published_at.map(Into::into),
    }
}

pub(super) fn file_content(file: FileContent) -> OrganizationCustomSkillFileContent {
    OrganizationCustomSkillFileContent {
        revision_id: file.info.revision_id.uuid(),
        relative_path: file.info.path,
        content_type: file.info.content_type,
        size_bytes: file.info.size_bytes,
        sha256: file.info.sha256,
        content_base64: STANDARD.encode(file.content),
        is_text: file.info.is_text,
    }
}

/// The bundle itself, or 304 where the caller has it: its hash is its tag.
pub(super) fn bundle(bundle: Bundle, if_none_match: Option<&str>) -> Result<Reply> {
    let tag = format!("\"{}\"", bundle.sha256);
    let is_known = if_none_match.is_some_and(|tags| {
        tags.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    });
    let value = |text: &str| HeaderValue::from_str(text).map_err(|e| Error::internal(format!("bundle's header: {e}")));
    let Reply(mut response) = match is_known {
        false => Reply::bytes("application/gzip", bundle.bytes),
        true => Reply(Response::new(empty())),
    };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let disposition = format!("attachment; filename=\"{}\"", bundle.file_name);
        response.headers_mut().insert(CONTENT_DISPOSITION, value(&disposition)?);
    }
    response.headers_mut().insert(ETAG, value(&tag)?);
    Ok(Reply(response))
}

fn file(file: FileInfo) -> OrganizationCustomSkillFileMetadata {
    OrganizationCustomSkillFileMetadata {
        id: file.id.uuid(),
        revision_id: file.revision_id.uuid(),
        relative_path: file.path,
        content_type: file.content_type,
        size_bytes: file.size_bytes,
        sha256: file.sha256,
        is_text: file.is_text,
        created_at: file.created_at.into(),
    }
}

fn status(status: RevisionStatus) -> OrganizationCustomSkillRevisionStatus {
    match status {
        RevisionStatus::Draft => OrganizationCustomSkillRevisionStatus::Draft,
        RevisionStatus::Published => OrganizationCustomSkillRevisionStatus::Published,
        RevisionStatus::Superseded => OrganizationCustomSkillRevisionStatus::Superseded,
        RevisionStatus::Archived => OrganizationCustomSkillRevisionStatus::Archived,
    }
}
