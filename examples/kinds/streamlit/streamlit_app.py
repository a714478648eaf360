"""How long a battery lasts."""

from __future__ import annotations

import streamlit as st

st.title("Battery")
load = st.slider("Load in kW", 1, 10, 2)
if st.button("How long?"):
    st.success(f"{20 / load:.1f} hours at {load} kW")
