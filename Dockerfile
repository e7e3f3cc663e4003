# emotion-live with what a Ray cluster needs, on CPUs or on NVIDIA GPUs:
#
#   docker build -t emotion-live .
#   docker build -t emotion-live-gpu --build-arg VARIANT=gpu .
#   docker run --rm -v "$PWD:/work" emotion-live annotate clips/ -o study
#   docker run --rm -v "$PWD:/work" --gpus all emotion-live-gpu annotate clips/ -o study
#
# The page, and the feed of 'emotion live', need the extra web:
#
#   docker build -t emotion-page --build-arg EXTRAS=web .
#   docker run --rm -p 127.0.0.1:8000:8000 emotion-page serve --host 0.0.0.0
#
# A cluster's nodes run the same image: --entrypoint ray ... start --head (or --address) --block.
FROM debian:bookworm-slim
ARG VARIANT=cpu
ARG EXTRAS=cluster,cloud
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv libgl1 libglib2.0-0 libegl1 libgles2 \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/emotion
COPY . /opt/source
# The CUDA libraries of VARIANT=gpu come as wheels; the driver is the host's.
RUN /opt/emotion/bin/pip install --no-cache-dir -c /opt/source/requirements.lock "/opt/source[$VARIANT,$EXTRAS]" \
 && rm -rf /opt/source
RUN useradd --create-home --uid 1000 emotion && mkdir /work && chown emotion /work
ENV PATH=/opt/emotion/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
USER emotion
WORKDIR /work
ENTRYPOINT ["emotion"]
CMD ["--help"]
