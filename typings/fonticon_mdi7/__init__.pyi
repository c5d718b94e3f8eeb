"""What ClipDesk uses of fonticon-materialdesignicons7."""

class MDI7:
    __font_file__: str
