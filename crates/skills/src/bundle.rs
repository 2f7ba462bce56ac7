//! The bundle: a tar of the files, gzipped. Its bytes depend on paths and contents alone.
//!
//! Times, owners and groups are zero, modes are 0644, entries come in the order of their paths, and the gzip header
//! names neither a time nor a system. The compressor is part of the bytes; a test holds their hash.

use crate::package::PackedFile;
use farebox_base::{Error, Result};
use flate2::{Compression, GzBuilder};
use std::io;

/// Fixed, because it is part of the bytes.
const COMPRESSION: u32 = 6;
/// What RFC 1952 has for a system that is not told.
const UNKNOWN_SYSTEM: u8 = 255;

/// # Errors
/// `Internal` where a path has no place in a tar.
pub(crate) fn pack(files: &[PackedFile]) -> Result<Vec<u8>> {
    write(files).map_err(|e| Error::internal(format!("bundle of a skill: {e}")))
}

fn write(files: &[PackedFile]) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut tar = tar::Builder::new(gzip.write(Vec::new(), Compression::new(COMPRESSION)));
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, &file.path, file.content.as_slice())?;
    }
    tar.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::sha256;
    use std::io::Read as _;

    fn file(path: &str, content: &[u8]) -> PackedFile {
        PackedFile {
            path: path.to_owned(),
            content_type: String::new(),
            is_text: true,
            sha256: sha256(content),
            content: content.to_vec(),
        }
    }

    fn files() -> Vec<PackedFile> {
        let long = format!("{}/{}/{}.md", "a".repeat(90), "b".repeat(90), "c".repeat(40));
        vec![
            file("SKILL.md", b"---\nname: x\n---\n# X\n"),
            file(&long, b"long"),
            file("empty", b""),
            file("z/data.bin", &[7; 5_000]),
        ]
    }

    #[test]
    fn the_same_files_make_the_same_bytes_on_every_machine() {
        let bundle = pack(&files()).unwrap();
        assert_eq!(sha256(&bundle), "5ceea580d795f0302870ce81106fb2d67566c40e5bcf59a417abd129ca314371");
        assert_eq!(bundle.get(..10).unwrap(), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn a_bundle_unpacks_to_the_files_with_nothing_of_the_machine() {
        let bundle = pack(&files()).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bundle.as_slice()));
        let unpacked: Vec<(String, Vec<u8>)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let header = entry.header();
                let owner = (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
                assert_eq!((owner, header.mode().unwrap()), ((0, 0, 0), 0o644));
                assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
                let path = entry.path().unwrap().to_str().unwrap().to_owned();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                (path, content)
            })
            .collect();
        let expected: Vec<_> = files().into_iter().map(|file| (file.path, file.content)).collect();
        assert_eq!(unpacked, expected);
    }
}
