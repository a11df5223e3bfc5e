//! Tesseract's C API, opened when a page has to be read: roles that never read start without the library and the fifty it brings along.
//!
//! Declared after `tesseract/capi.h` of version 5; the same in 4.1.

use std::ffi::{CStr, c_char, c_float, c_int, c_uchar, c_void};
use std::sync::OnceLock;

use libloading::Library as Opened;

use super::Error;

/// File names to try, the first that is found counts.
const NAMES: [&str; 4] = ["libtesseract.so.5", "libtesseract.so.4", "libtesseract.so", "libtesseract.dylib"];

/// `TessBaseAPI *`.
pub type Api = *mut c_void;
/// `ETEXT_DESC *`.
pub type Monitor = *mut c_void;
/// `TessResultIterator *`, which is a `TessPageIterator *` too.
pub type Iter = *mut c_void;

macro_rules! functions {
    ($($field:ident = $symbol:literal: fn($($argument:ty),*) $(-> $answer:ty)?;)*) => {
        /// The functions that an engine calls, by their names without prefix.
        pub struct Library {
            $(pub $field: unsafe extern "C" fn($($argument),*) $(-> $answer)?,)*
            /// The functions live as long as this.
            _opened: Opened,
        }

        impl Library {
            #[expect(unsafe_code, reason = "the types of foreign functions are taken on trust")]
            fn find(opened: Opened) -> Result<Self, libloading::Error> {
                // SAFETY: the types are those of the header that belongs to every version in `NAMES`.
                $(let $field = unsafe { *opened.get(concat!($symbol, "\0").as_bytes())? };)*
                Ok(Self { $($field,)* _opened: opened })
            }
        }
    };
}

functions! {
    version = "TessVersion": fn() -> *const c_char;
    create = "TessBaseAPICreate": fn() -> Api;
    delete = "TessBaseAPIDelete": fn(Api);
    init = "TessBaseAPIInit3": fn(Api, *const c_char, *const c_char) -> c_int;
    set_variable = "TessBaseAPISetVariable": fn(Api, *const c_char, *const c_char) -> c_int;
    set_page_seg_mode = "TessBaseAPISetPageSegMode": fn(Api, c_int);
    set_image = "TessBaseAPISetImage": fn(Api, *const c_uchar, c_int, c_int, c_int, c_int);
    set_source_resolution = "TessBaseAPISetSourceResolution": fn(Api, c_int);
    recognize = "TessBaseAPIRecognize": fn(Api, Monitor) -> c_int;
    monitor_create = "TessMonitorCreate": fn() -> Monitor;
    monitor_deadline = "TessMonitorSetDeadlineMSecs": fn(Monitor, c_int);
    monitor_delete = "TessMonitorDelete": fn(Monitor);
    clear = "TessBaseAPIClear": fn(Api);
    iterator = "TessBaseAPIGetIterator": fn(Api) -> Iter;
    iterator_delete = "TessResultIteratorDelete": fn(Iter);
    iterator_next = "TessResultIteratorNext": fn(Iter, c_int) -> c_int;
    iterator_text = "TessResultIteratorGetUTF8Text": fn(Iter, c_int) -> *mut c_char;
    iterator_confidence = "TessResultIteratorConfidence": fn(Iter, c_int) -> c_float;
    iterator_box = "TessPageIteratorBoundingBox": fn(Iter, c_int, *mut c_int, *mut c_int, *mut c_int, *mut c_int) -> c_int;
    delete_text = "TessDeleteText": fn(*mut c_char);
    // Leptonica's, found through Tesseract, which depends on it.
    set_message_severity = "setMsgSeverity": fn(c_int) -> c_int;
}

/// The library of this process. One that is missing stays missing until the process starts again.
pub fn library() -> Result<&'static Library, Error> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    LIBRARY.get_or_init(open).as_ref().map_err(|reason| Error::Library { reason: reason.clone() })
}

fn open() -> Result<Library, String> {
    let mut reasons = Vec::new();
    for name in NAMES {
        match open_as(name) {
            Ok(library) => return Ok(library),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(reasons.join("; "))
}

#[expect(unsafe_code, reason = "loading a library runs code of its own, and it answers in C strings")]
fn open_as(name: &str) -> Result<Library, libloading::Error> {
    /// `L_SEVERITY_NONE` of Leptonica's `environ.h`: no message is severe enough to be written between the lines of the log.
    const NONE: c_int = 6;
    // SAFETY: the library is the system's own; its initialisers are those that a linked program would run too.
    let library = Library::find(unsafe { Opened::new(name) }?)?;
    // SAFETY: the function stores its argument and returns the number before.
    unsafe { (library.set_message_severity)(NONE) };
    Ok(library)
}

impl Library {
    /// Like `5.3.0`.
    #[expect(unsafe_code, reason = "the library answers in C strings")]
    pub fn version(&self) -> String {
        // SAFETY: the library returns a constant of its own, ended by a zero.
        let version = unsafe { CStr::from_ptr((self.version)()) };
        version.to_string_lossy().into_owned()
    }
}
