//! On real daemons. Where Ceph is not installed, nothing is tested.

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    Error, GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutResult, RetryConfig, UpdateVersion,
};
use outage::cluster::{self, Cluster, Daemon, Shape};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Against waiting without end.
const LIMIT: Duration = Duration::from_secs(120);

/// S3 takes no smaller part of an upload, but for the last.
const PART: usize = 5 * 1024 * 1024;

fn can_run() -> bool {
    let reason = cluster::why_not();
    if let Some(reason) = &reason {
        eprintln!("skipped: {reason}");
    }
    reason.is_none()
}

fn start(shape: Shape, directory: &Path) -> Cluster {
    Cluster::start(shape, directory, |part| eprintln!("{part}")).expect("it starts")
}

/// The bucket, through one gateway. What fails is not tried again.
fn bucket(cluster: &Cluster, gateway: usize) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(&cluster.endpoints()[gateway])
        .with_allow_http(true)
        .with_region(cluster.region())
        .with_bucket_name(cluster.bucket())
        .with_access_key_id(cluster.access_key())
        .with_secret_access_key(cluster.secret_key())
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        })
        .build()
        .expect("a client")
}

/// The processes that work in `directory`: every daemon does in its cluster's.
fn processes_in(directory: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("listed");
    let at_work = processes.filter_map(|entry| {
        let process = entry.expect("listed").path();
        let place = fs::read_link(process.join("cwd")).ok()?;
        let name = fs::read_to_string(process.join("comm")).ok()?;
        place.starts_with(directory).then(|| name.trim().to_owned())
    });
    at_work.collect()
}

#[tokio::test]
async fn a_small_cluster_keeps_objects() {
    if !can_run() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path().join("a b");
    let mut cluster = start(Shape::SMALL, &home);
    assert_eq!(processes_in(&home).len(), 3);
    let bucket = bucket(&cluster, 0);

    an_object_is_created_once(&bucket).await;
    only_the_version_that_is_there_is_replaced(&bucket).await;
    an_object_is_not_sent_to_who_has_it(&bucket).await;
    uploads_in_parts_end_or_leave_nothing(&bucket).await;
    a_gateway_comes_back(&mut cluster, &bucket).await;
    let refused = cluster.kill(Daemon::Osd(0));
    refused.expect_err("its objects would be gone");
    cluster.kill(Daemon::Osd(1)).expect_err("there is none");

    drop(cluster);
    assert_eq!(processes_in(&home), Vec::<String>::new());
}

async fn put(bucket: &AmazonS3, key: &str, text: &str, mode: PutMode) -> Result<PutResult, Error> {
    let text = text.to_owned();
    bucket
        .put_opts(&Key::from(key), text.into(), PutOptions::from(mode))
        .await
}

async fn text(bucket: &AmazonS3, key: &str) -> String {
    let found = bucket.get(&Key::from(key)).await.expect("it is there");
    let bytes = found.bytes().await.expect("it is sent");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn replace(tag: &str) -> PutMode {
    PutMode::Update(UpdateVersion {
        e_tag: Some(tag.to_owned()),
        version: None,
    })
}

async fn an_object_is_created_once(bucket: &AmazonS3) {
    let first = put(bucket, "once", "first", PutMode::Create).await;
    first.expect("there was none");
    let second = put(bucket, "once", "second", PutMode::Create).await;
    assert!(
        matches!(second, Err(Error::AlreadyExists { .. })),
        "{second:?}"
    );
    assert_eq!(text(bucket, "once").await, "first");
}

/// Ceph 16 compares all that is between `If-Match: ` and the line's end with the hash,
/// quotation marks too, and so knows only versions that come without.
async fn only_the_version_that_is_there_is_replaced(bucket: &AmazonS3) {
    let made = put(bucket, "head", "one", PutMode::Create).await;
    let quoted = made.expect("made").e_tag.expect("it has a version");
    let tag = quoted.trim_matches('"').to_owned();
    assert_ne!(tag, quoted);

    let with_marks = put(bucket, "head", "two", replace(&quoted)).await;
    if let Err(error) = &with_marks {
        assert!(matches!(error, Error::Precondition { .. }), "{error:?}");
        let without = put(bucket, "head", "two", replace(&tag)).await;
        without.expect("it is the version that is there");
    }
    assert_eq!(text(bucket, "head").await, "two");
    for stale in [quoted, tag] {
        let refused = put(bucket, "head", "three", replace(&stale)).await;
        assert!(
            matches!(refused, Err(Error::Precondition { .. })),
            "{refused:?}"
        );
        let missing = put(bucket, "none", "three", replace(&stale)).await;
        assert!(
            matches!(missing, Err(Error::Precondition { .. })),
            "{missing:?}"
        );
    }
    assert_eq!(text(bucket, "head").await, "two");
}

async fn an_object_is_not_sent_to_who_has_it(bucket: &AmazonS3) {
    let made = put(bucket, "seen", "text", PutMode::Overwrite).await;
    let quoted = made.expect("made").e_tag.expect("it has a version");
    for tag in [quoted.trim_matches('"'), &quoted] {
        let options = GetOptions {
            if_none_match: Some(tag.to_owned()),
            ..GetOptions::default()
        };
        let answer = bucket.get_opts(&Key::from("seen"), options).await;
        let Err(Error::NotModified { .. }) = answer else {
            panic!("{tag} is what it has");
        };
    }
}

async fn uploads_in_parts_end_or_leave_nothing(bucket: &AmazonS3) {
    let key = Key::from("parts");
    let mut upload = bucket.put_multipart(&key).await.expect("begun");
    upload.put_part(vec![1; PART].into()).await.expect("sent");
    upload.put_part(vec![2; 1000].into()).await.expect("sent");
    let found = bucket.head(&key).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
    upload.complete().await.expect("complete");
    let found = bucket.get(&key).await.expect("it is there");
    let bytes = found.bytes().await.expect("it is sent");
    let whole = [vec![1; PART], vec![2; 1000]].concat();
    assert!(bytes == whole, "it is not what was sent");

    let key = Key::from("given up");
    let mut upload = bucket.put_multipart(&key).await.expect("begun");
    upload.put_part(vec![1; PART].into()).await.expect("sent");
    upload.abort().await.expect("aborted");
    let found = bucket.head(&key).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
}

async fn a_gateway_comes_back(cluster: &mut Cluster, bucket: &AmazonS3) {
    let written = put(bucket, "before", "kept", PutMode::Create).await;
    written.expect("written");
    cluster.kill(Daemon::Gateway(0)).expect("killed");
    let dead = bucket.head(&Key::from("before")).await;
    assert!(matches!(dead, Err(Error::Generic { .. })), "{dead:?}");
    cluster.restart(Daemon::Gateway(0)).expect("started");
    cluster.wait_healthy(LIMIT).expect("it serves");
    assert_eq!(text(bucket, "before").await, "kept");
}

#[tokio::test]
async fn a_full_cluster_goes_on_without_some_daemons() {
    if !can_run() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = start(Shape::FULL, &directory.path().join("full"));
    let first = bucket(&cluster, 0);
    let second = bucket(&cluster, 1);
    let gone = [Daemon::Gateway(0), Daemon::Osd(1), Daemon::Monitor(2)];
    let written = put(&first, "before", "kept", PutMode::Create).await;
    written.expect("written");
    for daemon in gone {
        cluster.kill(daemon).expect("killed");
        cluster.wait_healthy(LIMIT).expect("the others serve");
        let name = daemon.to_string();
        let written = put(&second, &name, "kept", PutMode::Create).await;
        written.expect("it is not needed");
    }
    for daemon in gone {
        cluster.restart(daemon).expect("started");
    }
    cluster.wait_healthy(LIMIT).expect("all serve");
    for name in gone.map(|daemon| daemon.to_string()) {
        assert_eq!(text(&first, &name).await, "kept");
    }
    assert_eq!(text(&first, "before").await, "kept");
}

#[test]
fn no_daemon_outlives_a_killed_program() {
    if !can_run() {
        return;
    }
    let state = tempfile::tempdir().expect("a directory");
    let mut program = Command::new(env!("CARGO_BIN_EXE_outage"))
        .arg("up")
        .arg("--state")
        .arg(state.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = program.stdout.take().expect("piped");
    let mut printed = BufReader::new(output).lines().map_while(Result::ok);
    let url = printed.find(|line| line.contains("AWS_ENDPOINT=http://127.0.0.1:"));
    let daemons = processes_in(&state.path().join(format!("cluster-{}", program.id())));
    program.kill().expect("killed");
    program.wait().expect("it ends");
    url.expect("it tells where the cluster is");
    assert_eq!(daemons.len(), 3, "{daemons:?}");
    let end = Instant::now() + LIMIT;
    while !processes_in(state.path()).is_empty() {
        assert!(Instant::now() < end, "{:?}", processes_in(state.path()));
        std::thread::sleep(Duration::from_millis(20));
    }
}
