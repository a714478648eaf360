"""Counts the words of a text."""

from __future__ import annotations

import gradio as gr


def count(text: str) -> str:
    return f"{len(text.split())} words, {len(text)} characters"


with gr.Blocks(title="Words") as demo:
    gr.Markdown("# Words")
    text = gr.Textbox("The quick brown fox", label="Text")
    button = gr.Button("Count")
    told = gr.Textbox(label="Counted")
    button.click(count, text, told)

if __name__ == "__main__":
    demo.launch()
