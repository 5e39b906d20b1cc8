//! Uploads to an object store: whole, and only under free names.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use object_store::path::Path as Key;
use object_store::{
    Attribute, AttributeValue, Attributes, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, WriteMultipart,
};

use super::bucket::Bucket;
use crate::clock::now_ms;

/// Largest file that is put in one request. Larger ones are uploaded in parts, because a request holds its content in
/// memory and has to finish in time on a slow line, too.
const SINGLE_PUT_BYTES_MAX: u64 = 16 << 20;

/// Latest time that RFC 3339 can express: the end of the year 9999.
const TIME_MS_MAX: i64 = 253_402_300_799_999;

/// Smallest part size and largest number of parts that every store accepts.
const PART_BYTES_MIN: u64 = 5 << 20;
const PARTS_MAX: u64 = 10_000;

/// Parts in flight at a time.
const PARTS_UNDER_WAY: usize = 4;

/// Folder below the prefix for multipart uploads that get their name later.
const UNNAMED: &str = "unnamed";

/// Age at which a nameless upload counts as abandoned.
const ABANDONED_AFTER_MS: i64 = 24 * 60 * 60 * 1000;

impl Bucket {
    /// Uploads a file; fails if the name is taken.
    pub(super) async fn put(&self, key: &Key, staged: &Path, time_ms: i64) -> object_store::Result<()> {
        if staged.metadata().map_err(generic)?.len() > SINGLE_PUT_BYTES_MAX {
            return self.put_parts(key, staged, time_ms).await;
        }
        let content = std::fs::read(staged).map_err(generic)?;
        let options =
            PutOptions { mode: PutMode::Create, attributes: self.attributes(time_ms), ..PutOptions::default() };
        self.store.put_opts(key, PutPayload::from(content), options).await.map(drop)
    }

    async fn put_parts(&self, key: &Key, staged: &Path, time_ms: i64) -> object_store::Result<()> {
        match self.store.head(key).await {
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(already_exists(key)),
        }
        if self.layout.completes_once() {
            return self.upload(key, staged, time_ms).await;
        }
        let unnamed = self.unnamed(staged);
        self.upload(&unnamed, staged, time_ms).await?;
        let named = self.name(&unnamed, key, staged).await;
        // If the outcome is unknown, a copy may still be under way. Leftovers are swept away later.
        if matches!(named, Ok(()) | Err(object_store::Error::AlreadyExists { .. })) {
            drop(self.store.delete(&unnamed).await);
        }
        named
    }

    async fn upload(&self, key: &Key, staged: &Path, time_ms: i64) -> object_store::Result<()> {
        let mut input = File::open(staged).map_err(generic)?;
        let bytes = input.metadata().map_err(generic)?.len();
        let options =
            PutMultipartOptions { attributes: self.attributes(time_ms), ..PutMultipartOptions::default() };
        let upload = self.store.put_multipart_opts(key, options).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, part_bytes(bytes));
        match send_parts(&mut upload, &mut input).await {
            Ok(()) => upload.finish().await.map(drop),
            Err(error) => {
                // The failure matters, and not that its parts stay behind.
                drop(upload.abort().await);
                Err(error)
            }
        }
    }

    /// Copies a nameless upload to a name that must be free. The copy may finish after the response: it is complete
    /// when its last byte can be read.
    async fn name(&self, unnamed: &Key, key: &Key, staged: &Path) -> object_store::Result<()> {
        self.store.copy_if_not_exists(unnamed, key).await?;
        let bytes = staged.metadata().map_err(generic)?.len();
        self.store.get_range(key, bytes.saturating_sub(1)..bytes).await.map(drop)
    }

    fn attributes(&self, time_ms: i64) -> Attributes {
        let time = UNIX_EPOCH + Duration::from_millis(time_ms.clamp(0, TIME_MS_MAX).unsigned_abs());
        let time = humantime::format_rfc3339_millis(time).to_string();
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::Metadata(self.layout.time_attribute().into()), AttributeValue::from(time));
        attributes
    }

    /// Unique key, across processes and machines.
    fn unnamed(&self, staged: &Path) -> Key {
        let name = staged.file_name().unwrap_or_default().to_string_lossy();
        let random = RandomState::new().hash_one(&*name);
        self.prefix.clone().join(UNNAMED).join(format!("{name}-{random:016x}"))
    }

    /// Removes abandoned nameless uploads.
    pub(super) async fn remove_unnamed(&self) -> object_store::Result<()> {
        let now_ms = now_ms();
        let folder = self.prefix.clone().join(UNNAMED);
        let listed = self.store.list_with_delimiter(Some(&folder)).await?;
        for object in listed.objects.iter().filter(|object| object.location.prefix_matches(&folder)) {
            if now_ms.saturating_sub(object.last_modified.timestamp_millis()) > ABANDONED_AFTER_MS {
                self.store.delete(&object.location).await?;
            }
        }
        Ok(())
    }
}

/// Part size for a file of this size.
fn part_bytes(bytes: u64) -> usize {
    usize::try_from(bytes.div_ceil(PARTS_MAX).max(PART_BYTES_MIN)).unwrap_or(usize::MAX)
}

async fn send_parts(upload: &mut WriteMultipart, input: &mut File) -> object_store::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = input.read(&mut buffer).map_err(generic)?;
        if length == 0 {
            return Ok(());
        }
        upload.wait_for_capacity(PARTS_UNDER_WAY).await?;
        upload.write(&buffer[..length]);
    }
}

fn already_exists(key: &Key) -> object_store::Error {
    let source = io::Error::from(io::ErrorKind::AlreadyExists).into();
    object_store::Error::AlreadyExists { path: key.to_string(), source }
}

fn generic(error: io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "file", source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_size_has_parts_that_every_store_takes() {
        for bytes in [SINGLE_PUT_BYTES_MAX + 1, PART_BYTES_MIN * PARTS_MAX, PART_BYTES_MIN * PARTS_MAX + 1, 5 << 40]
        {
            let part = part_bytes(bytes) as u64;
            assert!(part >= PART_BYTES_MIN && bytes.div_ceil(part) <= PARTS_MAX, "{bytes}: {part}");
        }
        assert_eq!(part_bytes(1 << 30) as u64, PART_BYTES_MIN);
    }
}
