//! LTX files: what other programs wrote is read, what is written is read back, and nothing damaged is believed.

use std::path::{Path, PathBuf};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use rootcellar::ltx::{
    DatabaseChecksum, Decoder, Encoder, Encoding, Header, LtxError, Merge, PageSize, Trailer, Txid, Violation,
    chain, page_checksum,
};

type Pages = Vec<(u32, Vec<u8>)>;

const TIMESTAMP_MS: i64 = 1_735_689_600_000;

fn txid(number: u64) -> Txid {
    Txid::new(number).unwrap()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ltx")
}

fn fixture(encoding: &str, number: u64) -> Vec<u8> {
    let number = txid(number);
    std::fs::read(fixtures().join(format!("{encoding}/ltx/0/{number}-{number}.ltx"))).unwrap()
}

fn decode(file: &[u8]) -> Result<(Header, Pages, Trailer), LtxError> {
    let mut decoder = Decoder::new(file)?;
    let mut page = vec![0; decoder.header().page_size.len()];
    let mut pages = Vec::new();
    while let Some(number) = decoder.page(&mut page)? {
        pages.push((number, page.clone()));
    }
    Ok((decoder.header().clone(), pages, decoder.trailer().unwrap()))
}

fn encode(header: &Header, pages: &Pages, encoding: Encoding) -> Result<Vec<u8>, LtxError> {
    let mut encoder = Encoder::with_encoding(Vec::new(), header.clone(), encoding)?;
    for (number, page) in pages {
        encoder.page(*number, page)?;
    }
    let (file, written) = encoder.finish()?;
    assert_eq!(written.bytes, file.len() as u64);
    Ok(file)
}

fn violation<T>(result: Result<T, LtxError>) -> Option<Violation> {
    match result {
        Ok(_) => None,
        Err(LtxError::Invalid(violation)) => Some(violation),
        Err(LtxError::Io(error)) => panic!("{error}"),
    }
}

fn header(page_size: u32, commit: u32, min: u64, max: u64) -> Header {
    Header::new(PageSize::new(page_size).unwrap(), commit, txid(min), txid(max), TIMESTAMP_MS)
}

#[test]
fn what_the_format_s_own_library_wrote_is_read() {
    let states = ["state1.db", "state2.db"].map(|name| std::fs::read(fixtures().join(name)).unwrap());
    for (encoding, checksums) in [
        ("frame", [0xA6D0_8ED3_8C5E_1EA9, 0xA23D_0CA2_F2A3_C209]),
        ("block", [0xE725_A1E3_1E20_BCAD, 0xE8A4_CC43_4F8C_3D8A]),
    ] {
        let (first, pages, trailer) = decode(&fixture(encoding, 1)).unwrap();
        assert!(first.is_snapshot());
        assert_eq!((first.commit, first.timestamp_ms, first.wal_offset), (2, TIMESTAMP_MS, 32));
        assert_eq!(pages.iter().flat_map(|(_, page)| page.clone()).collect::<Vec<_>>(), states[0]);
        assert_eq!(trailer.file_checksum, checksums[0]);

        let (second, pages, trailer) = decode(&fixture(encoding, 2)).unwrap();
        assert!(!second.is_snapshot());
        assert_eq!((second.min_txid, second.max_txid), (txid(2), txid(2)));
        assert_eq!(pages, [(2, states[1][512..].to_vec())]);
        assert_eq!(trailer.file_checksum, checksums[1]);

        let mut merged = Vec::new();
        let files = [fixture(encoding, 1), fixture(encoding, 2)];
        Merge::new(files.iter().map(|file| &file[..]))
            .unwrap()
            .pages(|_, page| {
                merged.extend_from_slice(page);
                Ok(())
            })
            .unwrap();
        assert_eq!(merged, states[1]);
    }
}

#[test]
fn what_the_format_s_own_library_wrote_is_written_to_the_same_bytes_but_for_the_compression() {
    for (name, encoding) in [("frame", Encoding::Frame), ("block", Encoding::Block)] {
        for number in [1, 2] {
            let original = fixture(name, number);
            let (header, pages, _) = decode(&original).unwrap();
            let written = encode(&header, &pages, encoding).unwrap();
            assert_eq!(written[..106], original[..106]);
            assert_eq!(decode(&written).unwrap().1, pages);
        }
    }
}

#[test]
fn a_frame_begins_and_ends_as_litestream_wants_it() {
    // Incompressible, so that the page is stored as it is.
    let mut rng = fastrand::Rng::with_seed(1);
    let page: Vec<u8> = (0..4096).map(|_| rng.u8(..)).collect();
    let file = encode(&header(4096, 1, 1, 1), &vec![(1, page.clone())], Encoding::Frame).unwrap();
    let frame = &file[106..file.len() - 6 - 5 - 8 - 16];
    assert_eq!(frame[..7], [0x04, 0x22, 0x4D, 0x18, 0x64, 0x40, 0xA7]);
    assert_eq!(frame[7..11], (4096_u32 | 1 << 31).to_le_bytes());
    assert_eq!(frame[11..11 + 4096], page);
    assert_eq!(frame[11 + 4096..][..4], [0; 4]);
    assert_eq!(frame.len(), 7 + 4 + 4096 + 4 + 4);
}

#[test]
fn a_file_that_breaks_a_rule_is_not_written() {
    let page = || vec![1; 512];
    let violation_of = |header: Header, pages: Pages| violation(encode(&header, &pages, Encoding::Frame));
    let increment = || header(512, 3, 2, 2);
    assert_eq!(violation_of(increment(), vec![]), None);
    assert_eq!(violation_of(increment(), vec![(0, page())]), Some(Violation::PageOrder));
    assert_eq!(violation_of(increment(), vec![(2, page()), (2, page())]), Some(Violation::PageOrder));
    assert_eq!(violation_of(increment(), vec![(2, page()), (1, page())]), Some(Violation::PageOrder));
    assert_eq!(violation_of(increment(), vec![(4, page())]), Some(Violation::PageBeyondEnd));
    assert_eq!(violation_of(increment(), vec![(1, vec![1; 511])]), Some(Violation::PageLength));
    assert_eq!(violation_of(header(512, 0, 2, 2), vec![]), Some(Violation::Commit));
    assert_eq!(violation_of(header(512, 1, 3, 2), vec![]), Some(Violation::Txid));
    let snapshot = || header(512, 2, 1, 4);
    assert_eq!(violation_of(snapshot(), vec![(1, page()), (2, page())]), None);
    assert_eq!(violation_of(snapshot(), vec![]), Some(Violation::MissingPage));
    assert_eq!(violation_of(snapshot(), vec![(1, page())]), Some(Violation::MissingPage));
    assert_eq!(violation_of(snapshot(), vec![(2, page())]), Some(Violation::MissingPage));
}

#[test]
fn the_lock_page_is_left_out_and_counted() {
    // 65536 bytes a page: the lock page is number 16385.
    let increment = header(65_536, 16_386, 2, 2);
    let page = vec![0; 65_536];
    let pages = vec![(16_384, page.clone()), (16_386, page.clone())];
    assert_eq!(decode(&encode(&increment, &pages, Encoding::Frame).unwrap()).unwrap().1, pages);
    let with_lock_page = vec![(16_385, page.clone())];
    assert_eq!(violation(encode(&increment, &with_lock_page, Encoding::Frame)), Some(Violation::LockPage));
}

#[test]
fn no_byte_of_a_file_can_change_what_is_read() {
    for encoding in ["frame", "block"] {
        for number in [1, 2] {
            let file = fixture(encoding, number);
            let sound = decode(&file).unwrap();
            for place in 0..file.len() {
                for bit in 0..8 {
                    let mut damaged = file.clone();
                    damaged[place] ^= 1 << bit;
                    // LZ4 has several ways to say the same: a match may lie one run of zeros further.
                    let harmless = decode(&damaged).map_or(true, |read| read == sound);
                    assert!(harmless, "{encoding} {number}: byte {place}, bit {bit}");
                }
            }
            for length in 0..file.len() {
                assert!(decode(&file[..length]).is_err(), "{encoding} {number}: {length} bytes");
            }
            let longer = [&file[..], &[0]].concat();
            assert_eq!(violation(decode(&longer)), Some(Violation::TrailingBytes));
        }
    }
}

/// Corrects the checksum of a file that was changed behind its pages, so that only the change can be noticed.
fn with_right_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let (header, pages, _) = decode(&fixture("frame", 2)).unwrap();
    let end = file.len() - 8;
    let mut fed = header.encode().to_vec();
    fed.extend_from_slice(&file[100..106]);
    fed.extend_from_slice(&pages[0].1);
    fed.extend_from_slice(&file[166..end]);
    let crc = crc::Crc::<u64>::new(&crc::CRC_64_GO_ISO);
    file[end..].copy_from_slice(&(crc.checksum(&fed) | 1 << 63).to_be_bytes());
    file
}

#[test]
fn a_wrong_index_is_noticed_although_the_checksum_is_right() {
    let file = fixture("frame", 2);
    assert_eq!(with_right_checksum(file.clone()), file);
    for place in 172..184 {
        let mut changed = file.clone();
        changed[place] ^= 1;
        assert_eq!(violation(decode(&with_right_checksum(changed))), Some(Violation::Index), "byte {place}");
    }
    let mut changed = file;
    changed[191] = 1;
    assert_eq!(violation(decode(&with_right_checksum(changed))), Some(Violation::PostApplyChecksum));
}

#[test]
fn checksums_of_databases_are_written_and_checked() {
    let pages: Pages = vec![(1, vec![1; 512]), (2, vec![2; 512])];
    let mut checksum = DatabaseChecksum::new();
    for (number, page) in &pages {
        checksum.toggle(page_checksum(*number, page));
    }
    let snapshot = Header { pre_apply_checksum: Some(0), ..header(512, 2, 1, 1) };
    let file = encode(&snapshot, &pages, Encoding::Frame).unwrap();
    let (_, _, trailer) = decode(&file).unwrap();
    assert_eq!(trailer.post_apply_checksum, checksum.get());

    let begin = |header: Header| {
        let mut encoder = Encoder::new(Vec::new(), header).unwrap();
        for (number, page) in &pages {
            encoder.page(*number, page).unwrap();
        }
        encoder
    };
    let wrong = checksum.get() ^ 1;
    assert_eq!(violation(begin(snapshot.clone()).finish_with(wrong)), Some(Violation::PostApplyChecksum));
    assert_eq!(violation(begin(header(512, 2, 1, 1)).finish_with(wrong)), Some(Violation::PostApplyChecksum));

    let next = Header { pre_apply_checksum: Some(checksum.get()), ..header(512, 2, 2, 2) };
    assert_eq!(violation(begin(next.clone()).finish()), Some(Violation::PostApplyChecksum));
    assert_eq!(violation(begin(next.clone()).finish_with(wrong)), None);
    assert_eq!(violation(chain(&snapshot, Some(trailer), &next)), None);
    let stranger = Header { pre_apply_checksum: Some(wrong), ..next };
    assert_eq!(violation(chain(&snapshot, Some(trailer), &stranger)), Some(Violation::PreApplyChecksum));
}

#[test]
fn files_that_do_not_follow_one_another_are_refused() {
    let first = header(512, 2, 1, 5);
    let follows = |min, max| violation(chain(&first, None, &header(512, 2, min, max)));
    assert_eq!(follows(6, 6), None);
    assert_eq!(follows(3, 6), None);
    assert_eq!(follows(1, 6), None);
    assert_eq!(follows(7, 7), Some(Violation::Chain));
    assert_eq!(follows(3, 5), Some(Violation::Chain));
    assert_eq!(follows(1, 1), Some(Violation::Chain));
    assert_eq!(violation(chain(&first, None, &header(1024, 2, 6, 6))), Some(Violation::PageSize));
    assert_eq!(violation(Merge::<&[u8]>::new([])), Some(Violation::NoSnapshot));
}

#[test]
fn a_frame_without_an_end_or_with_too_much_in_it_is_refused_in_bounded_memory() {
    let mut file = fixture("frame", 2);
    // The length of the frame's first block.
    file[113..117].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert_eq!(violation(decode(&file)), Some(Violation::Compression));
    let mut file = fixture("block", 2);
    file[106..110].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(violation(decode(&file)), Some(Violation::Compression));
}

/// Pages that compress well, badly and not at all.
fn page(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<u8>().prop_map(move |byte| vec![byte; length]),
        vec(any::<u8>(), length),
        (vec(any::<u8>(), 1..64), any::<u8>()).prop_map(move |(mut start, byte)| {
            start.resize(length, byte);
            start
        }),
    ]
}

/// A history of up to six files, the first a snapshot, each with its pages.
fn history() -> impl Strategy<Value = Vec<(Header, Pages)>> {
    let increment = (1_u32..8, btree_map(1_u32..8, page(512), 0..6), 1_u64..4);
    vec(increment, 1..6).prop_map(|steps| {
        let mut files: Vec<(Header, Pages)> = Vec::new();
        let (mut previous_commit, mut last) = (0, 0);
        for (commit, changed, count) in steps {
            let filler = |number: u32| vec![number.to_le_bytes()[0]; 512];
            let pages = (1..=commit)
                .filter_map(|number| {
                    let changed = changed.get(&number).cloned();
                    changed
                        .or_else(|| (number > previous_commit).then(|| filler(number)))
                        .map(|page| (number, page))
                })
                .collect();
            files.push((header(512, commit, last + 1, last + count), pages));
            (previous_commit, last) = (commit, last + count);
        }
        files
    })
}

/// Database that a history leaves behind.
fn apply(files: &[(Header, Pages)]) -> Vec<u8> {
    let mut database = Vec::new();
    for (header, pages) in files {
        database.resize(header.commit as usize * 512, 0);
        for (number, page) in pages {
            let place = (*number as usize - 1) * 512;
            database[place..place + 512].copy_from_slice(page);
        }
    }
    database
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        (size, pages) in (9_u32..=16).prop_flat_map(|log| {
            let size = 1_u32 << log;
            (Just(size), btree_map(1_u32..50, page(size as usize), 0..5))
        }),
        block in any::<bool>(),
        timestamp_ms in any::<i64>(),
    ) {
        let header = Header { timestamp_ms, ..header(size, 50, 2, 9) };
        let pages: Pages = pages.into_iter().collect();
        let encoding = if block { Encoding::Block } else { Encoding::Frame };
        let file = encode(&header, &pages, encoding).unwrap();
        let (read_header, read_pages, _) = decode(&file).unwrap();
        prop_assert_eq!(read_header, header);
        prop_assert_eq!(read_pages, pages);
    }

    #[test]
    fn merged_files_are_worth_the_files_that_were_merged(
        files in history(), blocks in vec(any::<bool>(), 6), split in 0_usize..6,
    ) {
        let encoded: Vec<Vec<u8>> = files
            .iter()
            .zip(blocks)
            .map(|((header, pages), block)| {
                encode(header, pages, if block { Encoding::Block } else { Encoding::Frame }).unwrap()
            })
            .collect();
        let merge = |inputs: &[Vec<u8>]| {
            let merge = Merge::new(inputs.iter().map(|file| &file[..])).unwrap();
            let mut encoder = Encoder::new(Vec::new(), merge.header().clone()).unwrap();
            merge.pages(|number, page| encoder.page(number, page)).unwrap();
            encoder.finish().unwrap().0
        };
        let expected = apply(&files);
        let whole = |file: &[u8]| decode(file).unwrap().1.into_iter().flat_map(|(_, page)| page).collect::<Vec<_>>();
        prop_assert_eq!(&whole(&merge(&encoded)), &expected);

        // A compaction of a part of the history, in the place of that part.
        let split = split.min(encoded.len() - 1);
        let mut compacted = encoded[..split].to_vec();
        compacted.push(merge(&encoded[split..]));
        prop_assert_eq!(&whole(&merge(&compacted)), &expected);
    }

    #[test]
    fn random_bytes_are_no_file(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(decode(&bytes).is_err());
    }
}

/// `patches/crc-fast`, with the check value of the catalogue of CRC algorithms (reveng.sourceforge.io/crc-catalogue).
#[test]
fn the_checksum_of_uploads_is_that_of_the_crate_in_whose_place_it_stands() {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
    digest.update(b"1234");
    digest.update(b"56789");
    assert_eq!(digest.finalize(), 0xae8b_1486_0a79_9888);
}
