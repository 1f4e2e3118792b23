//! What is refused, and with which words.

use super::build::pcap_at;
use super::{Folder, replay};
use crate::source::Source;

fn refusal(path: &str, others: &[String]) -> String {
    let paths: Vec<String> = others.iter().cloned().chain([path.to_owned()]).collect();
    match Source::open(&paths) {
        Ok(_) => panic!("{path} is read"),
        Err(error) => {
            assert_eq!(error.path, path);
            error.reason
        }
    }
}

#[test]
fn inputs_that_cannot_be_read_are_refused() {
    let folder = Folder::new("open-refused");
    let good = [folder.file("good.pcap", &pcap_at(&[1]))];
    for others in [&good[..], &[]] {
        let missing = folder.0.join("missing.pcap");
        assert_eq!(
            refusal(missing.to_str().expect("UTF-8"), others),
            "no such file"
        );
        assert!(refusal(folder.0.to_str().expect("UTF-8"), others).starts_with("is a directory"));
        assert_eq!(
            refusal(&folder.file("empty.pcap", b""), others),
            "empty file"
        );
        let text = refusal(&folder.file("text.pcap", b"hello, world"), others);
        assert_eq!(
            text,
            "not a capture: the first bytes are 68 65 6c 6c 6f 2c 20 77; read are pcap and pcapng, \
             each also packed as .gz, .zst or .xz"
        );
        assert!(refusal(&folder.file("short.pcap", b"\xd4\xc3\xb2"), others).contains("d4 c3 b2"));
        let gz_start = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
        let reason = refusal(&folder.file("start.pcap.gz", gz_start), others);
        assert!(
            reason.starts_with("not a capture: nothing to read inside the gz file"),
            "{reason}"
        );
    }
    assert!(refusal("-", &["-".to_owned()]).contains("once only"));
}

#[test]
fn names_do_not_matter_and_one_file_counts_its_bytes() {
    let folder = Folder::new("open-name");
    let capture = pcap_at(&[1, 2]);
    let path = folder.file("capture.txt", &capture);
    let (packets, source) = replay(std::slice::from_ref(&path));
    assert_eq!(packets.len(), 2);
    assert_eq!(source.interfaces(), ["capture.txt"]);
    assert_eq!(source.progress().bytes_read, capture.len() as u64);
    assert_eq!(source.progress().bytes_total, Some(capture.len() as u64));
    assert_eq!(source.reports()[0].path, path);
}

#[test]
fn no_inputs_are_no_packets() {
    assert!(replay(&[]).0.is_empty());
}

#[test]
fn a_source_can_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Source>();
}
