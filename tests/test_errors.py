from clipdesk.errors import ClipDeskError, UsageError, first_line, nearest, one_line


def test_close_names_are_offered() -> None:
    assert nearest("ViT-B/3", ["RN50", "ViT-B/32"]) == "Did you mean ViT-B/32?"


def test_names_that_hold_a_part_are_offered_first() -> None:
    names = ["visual", "visual.conv1", "visual.blocks.4.attn", "visual.blocks.5.Attn"]
    assert nearest("5.attn", names) == "Did you mean visual.blocks.5.Attn?"


def test_without_a_close_name_the_first_few_are_listed() -> None:
    assert nearest("zzz", ["alpha", "beta", "gamma", "delta"]) == "Available: alpha, beta, gamma, ..."


def test_exit_codes() -> None:
    assert (ClipDeskError.exit_code, UsageError.exit_code) == (1, 2)


def test_the_first_line_of_an_error() -> None:
    assert first_line(RuntimeError("\n  wrong \nadvice")) == "wrong"
    assert first_line(KeyError()) == "KeyError"


def test_untrusted_text_is_shown_on_one_line() -> None:
    assert one_line("a star ☆") == "a star ☆"
    assert one_line("a\n\x1b[2Jb") == r"a\n\x1b[2Jb"
    assert one_line("x" * 101) == "x" * 99 + "…"
    assert len(one_line("\0" * 5_000, 30)) == 30
