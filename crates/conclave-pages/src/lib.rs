//! The pages: what Vite made of `web/`, held in the program. Nothing is read while it runs.
//!
//! A build without `web/dist` has none: [`EMBEDDED`] is empty then.

use std::borrow::Cow;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

/// What was there when the program was built.
pub static EMBEDDED: Shelf = Shelf(&ASSETS);

// `static ASSETS: [Asset; n]`, by build.rs.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Files, sorted by path.
#[derive(Debug)]
pub struct Shelf(&'static [Asset]);

/// A file.
#[derive(Debug)]
pub struct Asset {
    path: &'static str,
    tag: &'static str,
    forms: Forms,
    inflated: OnceLock<Box<[u8]>>,
}

/// The same bytes, as they were packed by the build; those that would not be smaller are missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forms {
    /// Compressed by Brotli.
    pub brotli: Option<&'static [u8]>,
    /// Compressed by gzip.
    pub gzip: Option<&'static [u8]>,
    /// As they are; may be left out where `gzip` is there.
    pub plain: Option<&'static [u8]>,
}

impl Shelf {
    /// Of these, which must be sorted by path.
    #[must_use]
    pub const fn new(assets: &'static [Asset]) -> Self {
        Self(assets)
    }

    /// Whether the program was built without the pages.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The file at a path below the folder, such as `index.html` or `assets/chat-1a2b3c4d.js`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&'static Asset> {
        let place = self.0.binary_search_by(|asset| asset.path.cmp(path));
        place.ok().and_then(|place| self.0.get(place))
    }
}

impl Asset {
    /// A file; `tag` is another one for other bytes.
    #[must_use]
    pub const fn new(path: &'static str, tag: &'static str, forms: Forms) -> Self {
        Self {
            path,
            tag,
            forms,
            inflated: OnceLock::new(),
        }
    }

    /// Its path below the folder.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Another one for other bytes; hexadecimal.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        self.tag
    }

    /// Whether its name changes with its bytes, so that it may be kept for ever.
    #[must_use]
    pub fn is_hashed(&self) -> bool {
        self.path
            .strip_prefix("assets/")
            .and_then(|name| name.rsplit_once('.'))
            .is_some_and(|(stem, _)| stem.as_bytes().iter().nth_back(HASH_CHARS) == Some(&b'-'))
    }

    /// Of its ending; bytes where that is none we know.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        let ending = self.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        MEDIA_TYPES
            .iter()
            .find(|(known, _)| *known == ending)
            .map_or("application/octet-stream", |(_, media_type)| media_type)
    }

    /// Compressed by Brotli, where that is smaller.
    #[must_use]
    pub const fn brotli(&self) -> Option<&'static [u8]> {
        self.forms.brotli
    }

    /// Compressed by gzip, where that is smaller.
    #[must_use]
    pub const fn gzip(&self) -> Option<&'static [u8]> {
        self.forms.gzip
    }

    /// As it is. Who asks for that is rare: it is unpacked for the first, and kept.
    #[must_use]
    pub fn plain(&'static self) -> &'static [u8] {
        if let Some(plain) = self.forms.plain {
            return plain;
        }
        self.inflated
            .get_or_init(|| inflated(self.forms.gzip.unwrap_or_default()).into())
    }
}

/// The build packed it; what cannot be unpacked is nothing.
fn inflated(packed: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Vec::new();
    match GzDecoder::new(packed).read_to_end(&mut plain) {
        Ok(_) => plain.into(),
        Err(_) => Cow::Borrowed(&[]),
    }
}

/// Of the hash in a name that Vite gives.
const HASH_CHARS: usize = 8;
const MEDIA_TYPES: [(&str, &str); 11] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    static ASSETS: [Asset; 3] = [
        Asset::new(
            "assets/chat-YMm1U_09.js",
            "1",
            Forms {
                brotli: None,
                gzip: Some(PACKED),
                plain: None,
            },
        ),
        Asset::new(
            "assets/loose.js",
            "2",
            Forms {
                brotli: None,
                gzip: None,
                plain: Some(b"2"),
            },
        ),
        Asset::new(
            "index.html",
            "3",
            Forms {
                brotli: None,
                gzip: None,
                plain: Some(b"3"),
            },
        ),
    ];
    static SHELF: Shelf = Shelf::new(&ASSETS);

    /// `hello` by gzip.
    const PACKED: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9,
        0x07, 0x00, 0x86, 0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00,
    ];

    #[test]
    fn a_file_is_found_by_its_whole_path_alone() {
        let tag = |path| SHELF.find(path).map(Asset::tag);
        assert_eq!(tag("assets/chat-YMm1U_09.js"), Some("1"));
        assert_eq!(tag("index.html"), Some("3"));
        for path in [
            "",
            "/index.html",
            "index",
            "assets",
            "assets/",
            "assets/../index.html",
        ] {
            assert_eq!(tag(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_kept_packed_is_unpacked_for_who_asks() {
        let plain = |path| SHELF.find(path).map(Asset::plain);
        assert_eq!(plain("assets/chat-YMm1U_09.js"), Some(&b"hello"[..]));
        assert_eq!(plain("index.html"), Some(&b"3"[..]));
        assert_eq!(inflated(b"no gzip").as_ref(), b"");
    }

    #[test]
    fn a_name_with_a_hash_is_told_from_one_without() {
        let is_hashed = |path| Asset::new(path, "", Forms::default()).is_hashed();
        assert!(is_hashed("assets/chat-YMm1U_09.js"));
        assert!(is_hashed("assets/a-b-12345678.woff2"));
        for path in [
            "assets/loose.js",
            "assets/chat-1234567.js",
            "index-12345678.html",
            "assets/-1",
        ] {
            assert!(!is_hashed(path), "{path}");
        }
    }

    #[test]
    fn the_embedded_files_are_sorted_and_hold_what_pages_need() {
        let paths: Vec<_> = EMBEDDED.0.iter().map(|asset| asset.path).collect();
        assert!(paths.is_sorted());
        for asset in EMBEDDED.0 {
            assert!(asset.forms.plain.is_some() || asset.forms.gzip.is_some());
            assert_eq!(asset.forms.plain.is_some(), asset.forms.gzip.is_none());
            assert_ne!(
                asset.media_type(),
                "application/octet-stream",
                "{}",
                asset.path
            );
        }
        assert_eq!(EMBEDDED.is_empty(), paths.is_empty());
    }
}
