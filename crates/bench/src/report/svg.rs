//! The little of SVG that bar charts need.
//!
//! Colours are in one style sheet that follows the reader's choice of light or dark, also
//! where the picture is shown by an `<img>`.

use std::fmt::Write;

const STYLE: &str = "\
text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#1f2328}\
.title{font-size:15px;font-weight:600}\
.panel{font-weight:600}\
.small{font-size:11px;fill:#59636e}\
.ours{fill:#0969da}.peer{fill:#afb8c1}.limit{fill:#1a7f37}.less{fill:#e0b04c}\
.whisker{stroke:#1f2328;stroke-width:1.2}\
.axis{stroke:#d1d9e0;stroke-width:1}\
@media(prefers-color-scheme:dark){\
text{fill:#f0f6fc}.small{fill:#9198a1}\
.ours{fill:#4493f8}.peer{fill:#5c6672}.limit{fill:#3fb950}.less{fill:#a87b20}\
.whisker{stroke:#f0f6fc}.axis{stroke:#3d444d}}";

/// A picture that is being drawn.
pub struct Svg {
    width: f64,
    body: String,
}

/// On which side of its place a text is.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    End,
}

impl Svg {
    pub fn new(width: f64) -> Self {
        Self {
            width,
            body: String::new(),
        }
    }

    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.element(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{text}</text>"#
        ));
    }

    pub fn bar(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str, title: &str) {
        let title = escape(title);
        self.element(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="2" class="{class}"><title>{title}</title></rect>"#
        ));
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.element(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}"/>"#
        ));
    }

    /// The picture, `height` high.
    pub fn finish(self, height: f64, title: &str) -> String {
        let Self { width, body } = self;
        let title = escape(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" \
             height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n{body}</svg>\n"
        )
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{element}");
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
