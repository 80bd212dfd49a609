//! Contents that tell what they should be: a header with the file, its version and
//! its length, then bytes that follow from these. None of them is zero.

/// `bytes` long, except that a header is never cut off to less than that.
pub fn contents(file: &str, version: u64, bytes: usize) -> Vec<u8> {
    let header = format!("{file} version {version}, {bytes} bytes\n");
    let mut all = header.clone().into_bytes();
    let mut hash = blake3::Hasher::new();
    hash.update(header.as_bytes());
    all.resize(bytes.max(all.len()), 0);
    hash.finalize_xof().fill(&mut all[header.len()..]);
    all[header.len()..]
        .iter_mut()
        .for_each(|byte| *byte = (*byte).max(1));
    all.truncate(bytes);
    all
}

#[cfg(test)]
mod tests {
    use super::contents;

    #[test]
    fn contents_differ_by_file_and_version_and_have_no_zeros() {
        let one = contents("f", 1, 5_000);
        assert_eq!(one.len(), 5_000);
        assert!(!one.contains(&0));
        assert_eq!(one, contents("f", 1, 5_000));
        assert_ne!(one[100..], contents("f", 2, 5_000)[100..]);
        assert_ne!(one[100..], contents("g", 1, 5_000)[100..]);
        assert_eq!(contents("f", 1, 0), b"");
        assert_eq!(contents("f", 1, 7).len(), 7);
    }
}
