//! The files of a new revision, checked and packed, before anything is written.

use crate::frontmatter::{self, Frontmatter};
use crate::{SkillLimits, bundle, content, path};
use farebox_base::{Error, Result};
use std::collections::BTreeMap;

/// The file that makes a folder a skill.
pub(crate) const ENTRY: &str = "SKILL.md";

/// A file as it was sent.
#[derive(Clone, Debug)]
pub struct FileInput {
    /// Relative and portable, folders separated by slashes.
    pub path: String,
    /// In the standard alphabet.
    pub content_base64: String,
    /// A media type; `None`: by the path's ending.
    pub content_type: Option<String>,
}

/// A file to write.
pub(crate) struct PackedFile {
    pub path: String,
    pub content_type: String,
    pub is_text: bool,
    pub sha256: String,
    pub content: Vec<u8>,
}

/// Everything of a revision that follows from its files.
pub(crate) struct Package {
    /// In the order of the bytes of their paths.
    pub files: Vec<PackedFile>,
    pub frontmatter: Frontmatter,
    pub bundle: Vec<u8>,
    pub bundle_sha256: String,
}

impl Package {
    /// # Errors
    /// `Invalid` for `field` or a part of it, such as `files.2.relative_path`.
    pub fn read(field: &str, inputs: Vec<FileInput>, limits: &SkillLimits) -> Result<Self> {
        if inputs.len() > limits.files {
            return Err(Error::invalid(field, format!("must not have more than {} entries", limits.files)));
        }
        for (index, input) in inputs.iter().enumerate() {
            path::check(&format!("{field}.{index}.relative_path"), &input.path)?;
        }
        path::check_together(field, inputs.iter().map(|input| input.path.as_str()))?;
        let Some(entry) = inputs.iter().position(|input| input.path == ENTRY) else {
            return Err(Error::invalid(field, "must hold a file SKILL.md, spelled like this and in no folder"));
        };
        let mut files = decoded(field, inputs, limits)?;
        let frontmatter = match files.get(entry) {
            Some(file) => entry_read(&format!("{field}.{entry}.content_base64"), &file.content, limits)?,
            None => Frontmatter::default(),
        };
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let bundle = bundle::pack(&files)?;
        let bundle_sha256 = content::sha256(&bundle);
        Ok(Self { files, frontmatter, bundle, bundle_sha256 })
    }

    /// All contents by their hash, the bundle among them.
    pub fn blobs(&self) -> BTreeMap<&str, &[u8]> {
        let files = self.files.iter().map(|file| (file.sha256.as_str(), file.content.as_slice()));
        files.chain([(self.bundle_sha256.as_str(), self.bundle.as_slice())]).collect()
    }
}

fn decoded(field: &str, inputs: Vec<FileInput>, limits: &SkillLimits) -> Result<Vec<PackedFile>> {
    let mut total = 0;
    let mut files = Vec::with_capacity(inputs.len());
    for (index, input) in inputs.into_iter().enumerate() {
        let content =
            content::decode(&format!("{field}.{index}.content_base64"), &input.content_base64, limits.file_bytes)?;
        total += content.len();
        if total > limits.revision_bytes {
            let rule = format!("must not decode to more than {} bytes together", limits.revision_bytes);
            return Err(Error::invalid(field, rule));
        }
        let is_text = content::is_text(&content);
        let named = format!("{field}.{index}.content_type");
        let content_type = content::content_type(&named, input.content_type.as_deref(), &input.path, is_text)?;
        files.push(PackedFile { path: input.path, content_type, is_text, sha256: content::sha256(&content), content });
    }
    Ok(files)
}

fn entry_read(field: &str, content: &[u8], limits: &SkillLimits) -> Result<Frontmatter> {
    if content.len() > limits.skill_md_bytes {
        let rule = format!("must not decode to more than {} bytes, being SKILL.md", limits.skill_md_bytes);
        return Err(Error::invalid(field, rule));
    }
    match std::str::from_utf8(content) {
        Ok(text) if content::is_text(content) => frontmatter::read(field, text),
        _ => Err(Error::invalid(field, "must be UTF-8 text without control characters, being SKILL.md")),
    }
}
