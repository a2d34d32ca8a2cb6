FROM python:3.13-slim AS build
# the packages of requirements.lock and no others: an image built later holds the same versions
COPY requirements.lock /src/
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --require-hashes -r /src/requirements.lock
COPY . /src
RUN /app/bin/pip install --no-cache-dir --no-deps /src && /app/bin/pip check

FROM python:3.13-slim
RUN useradd --create-home --uid 10001 orders
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1
USER orders
WORKDIR /home/orders
EXPOSE 8710
ENTRYPOINT ["orders-sync"]
# health is asked for where a command serves it: docker-compose.yml
CMD ["run", "--listen", "0.0.0.0:8710"]
