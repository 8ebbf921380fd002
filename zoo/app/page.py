"""The page of `zoo app`: Gradio's blocks around `zoo.app.work`.

It asks nothing of the network: no fonts, no analytics, no sharing. One photo is restored at a
time; uploads and results lie in one folder that is deleted when the page ends.
"""

from __future__ import annotations

import base64
import html
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from degrade.errors import DependencyError, UserError
from degrade.images import encode_png
from zoo.app.work import ENDINGS, MOST_BYTES, FaceView, models, restore_upload
from zoo.model_card import NOTICE

__all__ = ["build_page", "launch", "serve"]

_FORGET_EVERY, _FORGET_AFTER = 300, 1800
"""Seconds: how often files are looked at, and the age from which they are deleted."""


def serve(host: str = "127.0.0.1", port: int = 7860, *, open_browser: bool = True) -> None:
    """Show the page until Ctrl-C.

    Raises
    ------
    DependencyError
        Gradio is not installed.
    UserError
        The port is taken.
    """
    # So that the files are deleted also when the page is ended from outside.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="relume-app-") as folder:
        page = build_page(Path(folder))
        try:
            launch(page, host, port, open_browser=open_browser)
        except OSError as error:
            raise UserError(f"port {port} of {host} is taken: take another --port") from error


def launch(
    page: Any, host: str, port: int | None, *, open_browser: bool = True, wait: bool = True
) -> None:
    """Serve a page; ``port`` None takes a free one, and without ``wait`` this returns at once."""
    page.launch(
        server_name=host,
        server_port=port,
        inbrowser=open_browser,
        max_file_size=MOST_BYTES,
        share=False,
        ssr_mode=False,
        footer_links=[],
        theme=_theme(),
        css=_CSS,
        prevent_thread_lock=not wait,
        quiet=not wait,
    )


def build_page(folder: Path) -> Any:
    """Return the page, a ``gradio.Blocks``; its files lie in ``folder``."""
    gr = _gradio(folder)
    with gr.Blocks(
        title="Relume", analytics_enabled=False, delete_cache=(_FORGET_EVERY, _FORGET_AFTER)
    ) as page:
        gr.Markdown(f"# Relume\nDrop a photo: its faces are restored, on this machine. {NOTICE}")
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                upload = gr.File(
                    label="Photo", file_types=list(ENDINGS), type="filepath", height=140
                )
                names = list(models())
                model = gr.Dropdown(names, value=names[0], label="Model")
                strength = gr.Slider(0, 1, value=1, step=0.05, label="Strength")
                background = gr.Radio(["none", "clean"], value="none", label="Background")
                upscale = gr.Radio([1, 2, 4], value=1, label="Upscale")
                button = gr.Button("Restore", variant="primary")
                download = gr.DownloadButton("Download", interactive=False)
            with gr.Column(scale=3, min_width=320):
                summary = gr.Markdown()
                slider = gr.ImageSlider(
                    label="before | after", interactive=False, max_height=720, format="png"
                )
                faces = gr.HTML()

        def run(
            path: str | None,
            model: str,
            strength: float,
            background: str,
            upscale: int,
            progress: Any = gr.Progress(),  # noqa: B008 - Gradio finds it in the default
        ) -> tuple[Any, ...]:
            if path is None:
                gr.Warning("drop a photo first")
                return "", None, "", gr.DownloadButton(value=None, interactive=False)
            steps = iter(range(1, 1000))

            def on_step(text: str) -> None:
                step = next(steps)
                progress(step / (step + 3), desc=text)

            try:
                result = restore_upload(
                    Path(path),
                    folder,
                    model=model,
                    strength=strength,
                    background=background,
                    upscale=upscale,
                    on_step=on_step,
                )
            except UserError as error:
                gr.Warning(html.escape(str(error)))
                return "", None, "", gr.DownloadButton(value=None, interactive=False)
            pair = (result.before, result.after)
            file = gr.DownloadButton(value=str(result.path), interactive=True)
            return result.summary, pair, "".join(map(_figure, result.faces)), file

        inputs = [upload, model, strength, background, upscale]
        outputs = [summary, slider, faces, download]
        # One at a time: two would only share the processor and double the memory.
        for event in (upload.upload, button.click):
            event(run, inputs, outputs, concurrency_limit=1, concurrency_id="restore")
    return page


def _gradio(folder: Path) -> Any:
    """Import Gradio, told before to keep its files in ``folder`` and to call nobody."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio
    except ImportError as error:
        raise DependencyError("Gradio is not installed: run `pip install 'relume[app]'`") from error
    return gradio


def _theme() -> Any:
    import gradio

    # Fonts of the machine: Gradio's own theme asks Google's server for them.
    return gradio.themes.Default(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )


def _figure(view: FaceView) -> str:
    """Return a face before and after with its caption as HTML."""
    encoded = base64.b64encode(encode_png(view.image)).decode()
    caption = html.escape(view.caption)
    return (
        f'<figure><img src="data:image/png;base64,{encoded}" alt=""><figcaption>{caption}</figure>'
    )


_CSS = """
footer {display: none !important}
figure {display: inline-block; width: 384px; max-width: 100%; margin: 0 1em 1em 0;
  vertical-align: top}
figure img {width: 100%; border-radius: 4px}
figcaption {font-size: small}
"""
