"""What the pages share: everything Streamlit that two of them use. It knows aecore; aecore never knows it."""
