# mode: stdin
# problem: product_once
# verdict: compile_error memory_limit time_limit runtime_error pass
# attempts: each `finally` doubles the code that the compiler writes
a, b = map(int, input().split())
try: pass
finally:
 try: pass
 finally:
  try: pass
  finally:
   try: pass
   finally:
    try: pass
    finally:
     try: pass
     finally:
      try: pass
      finally:
       try: pass
       finally:
        try: pass
        finally:
         try: pass
         finally:
          try: pass
          finally:
           try: pass
           finally:
            try: pass
            finally:
             try: pass
             finally:
              try: pass
              finally:
               try: pass
               finally:
                try: pass
                finally:
                 try: pass
                 finally:
                  try: pass
                  finally:
                   c = a * b; c = (c + a - a) * 1; c = (c + b - b) * 1; c = [c, a, b][0]
print(c)
