# The jobs of python/sidekiq_workers.py, for its worker processes and for the programs that give them work.
# Each notes in the list `log` that it has run, and where.

require "json"
require "sidekiq"
require "sidekiq/api"

Sidekiq.configure_server do
  interval = ENV["CHECK_POLL_INTERVAL"]
  Sidekiq.options[:poll_interval_average] = interval.to_f if interval
end

def note(text)
  Sidekiq.redis { |redis| redis.rpush("log", "#{text} #{Process.pid}") }
end

class Note
  include Sidekiq::Job

  def perform(text)
    note(text)
  end
end

# Tells one that comes too early.
class Due < Note
  def perform(text, at)
    note(Time.now.to_f >= at ? text : "#{text}-early")
  end
end

class Urgent < Note
  sidekiq_options queue: "urgent"
end

# Fails unless the gate is open.
class Gated
  include Sidekiq::Job
  sidekiq_options retry: 5

  def perform(text)
    note(text)
    raise ArgumentError, "the gate is shut" if Sidekiq.redis { |redis| redis.get("gate") }.nil?
  end
end

class OnlyOnce < Gated
  sidekiq_options retry: 0
end

class OnlyTwice < Gated
  sidekiq_options retry: 1

  # Never right, gate or no gate.
  def perform(text)
    note(text)
    raise ArgumentError, "wrong"
  end
end

class Discarded < Gated
  sidekiq_options retry: false
end

# Ends when the gate is open.
class Hold
  include Sidekiq::Job

  def perform(text)
    note(text)
    sleep 0.02 while Sidekiq.redis { |redis| redis.get("gate") }.nil?
  end
end
