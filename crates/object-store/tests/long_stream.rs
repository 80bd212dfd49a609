//! A gibibyte goes through a volume piece by piece, and the memory of the process stays
//! small. A test of its own, because it looks at the whole process.

#![cfg(target_os = "linux")]

use ability_storage_engine::{FilePath, Precondition, VersionHasher, Volume, VolumeId};
use ability_storage_object_store::ObjectRoot;
use ability_storage_object_store::object_store::{
    self, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart, memory::InMemory, path::Path,
};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const LENGTH: u64 = 1 << 30;
const PIECE: usize = 1 << 20;

/// Far less than the file, and more than the parts that are on their way at once.
const MOST_MEMORY: u64 = 160 << 20;

/// Keeps no parts, only how long they are together, and makes up what is read.
#[derive(Debug, Default)]
struct Nowhere {
    rest: InMemory,
    long: Arc<AtomicU64>,
    parts: Arc<AtomicU64>,
}

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nowhere")
    }
}

#[derive(Debug)]
struct Counting {
    long: Arc<AtomicU64>,
    parts: Arc<AtomicU64>,
}

#[async_trait]
impl MultipartUpload for Counting {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let length = data.content_length() as u64;
        let (long, parts) = (self.long.clone(), self.parts.clone());
        async move {
            long.fetch_add(length, Ordering::SeqCst);
            parts.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        Ok(PutResult {
            e_tag: None,
            version: None,
            extensions: Default::default(),
        })
    }

    async fn abort(&mut self) -> Result<()> {
        Ok(())
    }
}

fn byte(at: u64) -> u8 {
    (at / PIECE as u64) as u8
}

#[async_trait]
impl ObjectStore for Nowhere {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.rest.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Counting {
            long: self.long.clone(),
            parts: self.parts.clone(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if location.as_ref().ends_with("HEAD") {
            return self.rest.get_opts(location, options).await;
        }
        let range = match options.range {
            Some(object_store::GetRange::Bounded(range)) => range,
            // Only whether it is there.
            _ if options.head => 0..0,
            _ => panic!("all of it was asked for at once"),
        };
        let contents: Vec<u8> = range.clone().map(byte).collect();
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified: Default::default(),
            size: LENGTH,
            e_tag: None,
            version: None,
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(
                futures_util::stream::iter([Ok(contents.into())]).boxed(),
            ),
            meta,
            range,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.rest.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.rest.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.rest.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.rest.copy_opts(from, to, options).await
    }
}

/// The most memory that this process has had so far.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("read");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.expect("there").trim().trim_end_matches(" kB");
    kibibytes.parse::<u64>().expect("a number") << 10
}

#[test]
fn a_gibibyte_passes_in_bounded_memory() {
    let store = Arc::new(Nowhere::default());
    let options = ObjectRoot::options().probe(false);
    let root = options.open_in(store.clone(), Path::from("root"));
    let volume = root.expect("opened").open_volume(&VolumeId::user());
    let path = FilePath::new("long").expect("valid");

    let mut hasher = VersionHasher::default();
    let mut writer = volume.writer(&path).expect("begun");
    for number in 0..LENGTH / PIECE as u64 {
        let piece = vec![number as u8; PIECE];
        hasher.update(&piece);
        writer.write(&piece).expect("sent");
    }
    let version = writer.commit(Precondition::Absent).expect("committed");
    assert_eq!(version, hasher.version());
    assert_eq!(store.long.load(Ordering::SeqCst), LENGTH);
    assert_eq!(store.parts.load(Ordering::SeqCst), LENGTH / (8 << 20));

    let mut reader = volume.reader(&path).expect("opened");
    assert_eq!(reader.size(), LENGTH);
    let mut hasher = VersionHasher::default();
    loop {
        let piece = reader.read(PIECE).expect("read");
        if piece.is_empty() {
            break;
        }
        hasher.update(&piece);
    }
    assert_eq!(hasher.version(), version);
    let most = most_memory();
    assert!(most < MOST_MEMORY, "{} MiB", most >> 20);
}
