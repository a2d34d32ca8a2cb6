FROM python:3.13-slim AS build
COPY . /src
RUN python -m venv /app && /app/bin/pip install --no-cache-dir /src

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 orders
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH
USER orders
WORKDIR /home/orders
ENTRYPOINT ["orders-sync"]
CMD ["sync"]
