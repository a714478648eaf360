"""An explorer of random walks: Streamlit, with a slider and a chart that follows it."""

import numpy as np
import pandas as pd
import streamlit as st

st.set_page_config(page_title="Random walks", layout="centered")
st.title("Random walks")

steps = st.slider("Steps", 10, 1000, 200, step=10)
walks = st.slider("Walks", 1, 8, 3)
seed = st.number_input("Seed", value=7, step=1)

paths = np.random.default_rng(int(seed)).normal(size=(steps, walks)).cumsum(axis=0)
frame = pd.DataFrame(paths, columns=[f"walk {number}" for number in range(1, walks + 1)])

st.line_chart(frame)
st.caption(
    f"{walks} walks of {steps} steps end between {frame.iloc[-1].min():.1f} and {frame.iloc[-1].max():.1f}."
)
