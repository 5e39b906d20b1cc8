//! LTX files that anybody may have put into a backup.
//!
//! An input says what to change in a sound file: most changes of whole files break only their checksum. What is still
//! read must be written again as the same pages.

use rootcellar::ltx::{Decoder, Encoder, Encoding, Header, Merge, PageSize, Txid};

use super::input::Input;

/// Changes of a file.
const CHANGES_MAX: usize = 8;

const PAGE_BYTES: usize = 512;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let files = [sound_file(&mut input, 1), sound_file(&mut input, 2)];
    let mut changed = if input.below(4) == 0 { data.to_vec() } else { files[input.below(2)].clone() };
    for _ in 0..input.below(CHANGES_MAX) {
        let place = usize::from(u16::from_le_bytes([input.byte(), input.byte()])) % (changed.len() + 1);
        let end = place + input.below(4).min(changed.len() - place);
        changed.splice(place..end, input.bytes().iter().copied());
    }
    read(&changed);
    merge([&files[0], &changed]);
    merge([&changed, &files[1]]);
}

fn read(file: &[u8]) {
    let Ok(mut decoder) = Decoder::new(file) else { return };
    let header = decoder.header().clone();
    let mut page = vec![0; header.page_size.len()];
    let mut pages = Vec::new();
    loop {
        match decoder.page(&mut page) {
            Ok(Some(number)) => pages.push((number, page.clone())),
            Ok(None) => break,
            Err(_) => return,
        }
    }
    let trailer = decoder.trailer().expect("the trailer of a file that was read to its end");
    let mut encoder = Encoder::new(Vec::new(), header).expect("a header that was read");
    for (number, page) in &pages {
        encoder.page(*number, page).expect("a page that was read");
    }
    let written = match trailer.post_apply_checksum {
        0 => encoder.finish(),
        checksum => encoder.finish_with(checksum),
    };
    let (written, _) = written.expect("an end that was read");
    assert!(Decoder::new(&written[..]).and_then(Decoder::verify).is_ok());
}

fn merge(files: [&Vec<u8>; 2]) {
    let Ok(merge) = Merge::new(files.into_iter().map(|file| &file[..])) else { return };
    let (commit, mut last) = (merge.header().commit, 0);
    // A file that turns out to be damaged is an error, after some of its pages.
    drop(merge.pages(|number, _| {
        assert!(last < number && number <= commit);
        last = number;
        Ok(())
    }));
}

/// A small file, a snapshot if its number is 1.
fn sound_file(input: &mut Input, number: u64) -> Vec<u8> {
    let txid = Txid::new(number).expect("no zero");
    let page_size = PageSize::new(512).expect("a power of two");
    let header = Header::new(page_size, 3, txid, txid, 0);
    let encoding = input.one_of(&[Encoding::Frame, Encoding::Block]);
    let mut encoder = Encoder::with_encoding(Vec::new(), header, encoding).expect("a sound header");
    for page in 1..=3 {
        encoder.page(page, &[input.byte(); PAGE_BYTES]).expect("a page in its place");
    }
    encoder.finish().expect("all pages").0
}
