//! Drawings: what is left of hostile ones, and that honest ones stay what they are.

use farebox_market::Logo;

const NS: &str = "http://www.w3.org/2000/svg";

fn clean(inside: &str) -> String {
    let text =
        format!(r#"<svg xmlns="{NS}" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10">{inside}</svg>"#);
    let logo =
        Logo::read("image/svg+xml", text.as_bytes()).unwrap_or_else(|error| panic!("{}: {inside}", error.message));
    String::from_utf8(logo.bytes().to_vec()).unwrap()
}

fn refused(text: &str) -> String {
    let error = Logo::read("image/svg+xml", text.as_bytes()).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("logo"));
    assert!(error.message.len() < 300);
    error.message
}

#[test]
fn an_honest_drawing_keeps_its_shapes_colours_and_references() {
    let drawn = clean(concat!(
        r##"<title>A &amp; B</title><defs><linearGradient id="g" gradientTransform="rotate(90)">"##,
        r##"<stop offset="0" stop-color="#f00"/></linearGradient><style>.a{fill:url(#g)}</style></defs>"##,
        r##"<g id="layer" transform="translate(1 2)"><path class="a" d="M0 0L5 5z" style="stroke:#00f"/>"##,
        r##"<use xlink:href="#layer2"/><use xlink:href="#old" href="#g2"/><circle id="layer2" cx="1" cy="1" r="1" fill="url(#g)"/></g>"##,
        r##"<text x="1" font-family="Inter, sans-serif">Hi<tspan>!</tspan></text>"##
    ));
    for kept in [
        "<title>A &amp; B</title>",
        r##"<stop offset="0" stop-color="#f00">"##,
        "<style>.a{fill:url(#g)}</style>",
        r#"d="M0 0L5 5z" style="stroke:#00f""#,
        r##"<use href="#layer2"></use><use href="#g2"></use>"##,
        r##"fill="url(#g)""##,
        r#"font-family="Inter, sans-serif">Hi<tspan>!</tspan></text>"#,
        r#"viewBox="0 0 10 10""#,
    ] {
        assert!(drawn.contains(kept), "{kept} is missing in {drawn}");
    }
    let again = Logo::read("image/svg+xml", drawn.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(again.bytes().to_vec()).unwrap(), drawn, "clean stays clean");
}

#[test]
fn nothing_that_runs_loads_or_links_is_left() {
    for hostile in [
        "<script>alert(1)</script>",
        "<script xlink:href='https://a.example/x.js'/>",
        "<SCRIPT>alert(1)</SCRIPT>",
        "<g onload='alert(1)' onclick='alert(1)' ONLOAD='alert(1)'><rect/></g>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><iframe src='https://a.example'/></body></foreignObject>",
        "<x:script xmlns:x='http://www.w3.org/2000/svg'>alert(1)</x:script>",
        "<h:script xmlns:h='http://www.w3.org/1999/xhtml'>alert(1)</h:script>",
        "<a xlink:href='javascript:alert(1)'><text>click</text></a>",
        "<a href='https://a.example'><rect/></a>",
        "<image href='https://a.example/x.png'/>",
        "<image href='data:image/svg+xml;base64,PHN2Zy8+'/>",
        "<use href='https://a.example/x.svg#a'/>",
        "<use xlink:href='data:image/svg+xml,%3Csvg/%3E#a'/>",
        "<rect fill='url(https://a.example/x.svg#a)'/>",
        "<rect style='fill:url(//a.example)'/>",
        "<rect style='background:u\\72l(https://a.example)'/>",
        "<style>@import 'https://a.example/x.css';</style>",
        "<style>@font-face{src:url(https://a.example/f)}</style>",
        "<style><![CDATA[ rect{fill:url(https://a.example)} ]]></style>",
        "<set attributeName='href' to='javascript:alert(1)'/>",
        "<animate attributeName='href' values='javascript:alert(1)'/>",
        "<filter id='f'><feImage href='https://a.example'/></filter>",
        "<rect xml:base='https://a.example'/>",
        "<?xml-stylesheet href='https://a.example/x.css'?>",
        "<!-- <script>alert(1)</script> -->",
        "<handler type='text/ecmascript'>alert(1)</handler>",
        "<iframe src='https://a.example'/>",
        "<audio src='https://a.example'/>",
        "<metadata><x:y xmlns:x='u:x'>alert(1)</x:y></metadata>",
    ] {
        let drawn = clean(hostile);
        let lower = drawn.to_ascii_lowercase();
        for never in [
            "script",
            "alert",
            "a.example",
            "onload",
            "onclick",
            "foreignobject",
            "data:",
            "import",
            "iframe",
            "<a",
            "<set",
            "<image",
            "base=",
            "<!--",
            "<?",
        ] {
            assert!(!lower.contains(never), "{never} is left of {hostile}: {drawn}");
        }
    }
}

#[test]
fn text_that_looks_like_markup_stays_text() {
    let drawn = clean("<text>&lt;script&gt;alert(1)&lt;/script&gt; <![CDATA[</text><script>]]></text>");
    assert!(
        drawn.contains("<text>&lt;script&gt;alert(1)&lt;/script&gt; &lt;/text&gt;&lt;script&gt;</text>"),
        "{drawn}"
    );
    let quoted = clean("<rect class='\"&gt;&lt;script&gt;'/>");
    assert!(!quoted.contains("<script"), "{quoted}");
    assert!(!clean("<rect id='a\" onload=\"alert(1)'/>").contains(" onload=\"alert"));
}

#[test]
fn entities_and_documents_that_are_no_drawing_are_refused() {
    let laughs =
        format!("<!DOCTYPE svg [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]><svg xmlns='{NS}'><text>&b;</text></svg>");
    let outside =
        format!("<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg xmlns='{NS}'><text>&a;</text></svg>");
    for bad in [
        laughs.as_str(),
        outside.as_str(),
        &format!("<svg xmlns='{NS}'><text>&a;</text></svg>"),
        "",
        "<svg/>",
        "<svg xmlns='http://www.w3.org/1999/xhtml'/>",
        &format!("<html xmlns='{NS}'/>"),
        &format!("<svg xmlns='{NS}'>"),
        &format!("<svg xmlns='{NS}'/><svg xmlns='{NS}'/>"),
        &format!("<svg xmlns='{NS}'/><script>alert(1)</script>"),
        &format!("<svg xmlns='{NS}'><text>\0</text></svg>"),
        &format!("<svg xmlns='{NS}' width='20000' height='1'/>"),
        &format!("<svg xmlns='{NS}' width='1' height='2e9'/>"),
    ] {
        refused(bad);
    }
    let binary = Logo::read("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'>\xff</svg>").unwrap_err();
    assert!(binary.message.contains("UTF-8"));
}

#[test]
fn little_that_stands_for_much_is_refused() {
    let level = |n: usize| {
        let uses = format!("<use href='#l{}'/>", n + 1).repeat(10);
        format!("<g id='l{n}'>{uses}</g>")
    };
    let bomb: String = (0..8).map(level).collect();
    let svg = |inside: &str| format!("<svg xmlns='{NS}'>{inside}</svg>");
    assert!(refused(&svg(&format!("{bomb}<use href='#l0'/>"))).contains("refer"));
    assert!(refused(&svg("<g id='a'><use href='#a'/></g>")).contains("refer"), "a circle");
    let hidden = bomb.replace("<g id", "<g xmlns:x='u:x' x:id='other' id");
    assert!(
        refused(&svg(&format!("{hidden}<use href='#l0'/>"))).contains("refer"),
        "ids of other namespaces count for nothing"
    );
    let patterns: String = (0..8)
        .map(|n| format!("<pattern id='p{n}'>{}</pattern>", format!("<rect fill='url(#p{})'/>", n + 1).repeat(10)))
        .collect();
    assert!(refused(&svg(&patterns)).contains("refer"));
    for depth in [100, 15_000] {
        assert!(refused(&svg(&format!("{}{}", "<g>".repeat(depth), "</g>".repeat(depth)))).contains("deeper"));
    }
    assert!(refused(&svg(&"<g/>".repeat(20_001))).contains("line"));
    let attributes: String = (0..300).map(|n| format!(" a{n}='x'")).collect();
    assert!(refused(&format!("<svg xmlns='{NS}'><g{attributes}/></svg>")).contains("attributes"));
}
